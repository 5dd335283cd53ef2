import { checkBytes } from "./bytes_check.ts";
import { checkEvents } from "./events_check.ts";
import type { Finding } from "./finding.ts";
import { checkFirstVisit } from "./first_visit_check.ts";
import { checkMessages } from "./messages_check.ts";
import type { PublicWay } from "./public_way.ts";
import { checkRoundTrip } from "./round_trip_check.ts";
import { checkSilence } from "./silence_check.ts";
import { checkDownload, checkUpload } from "./transfer_checks.ts";
import { checkUploadStream } from "./upload_stream_check.ts";

export interface PublicCheckOptions extends PublicWay {
  /** Bytes to send each way. */
  readonly size: number;
  /** Milliseconds that a stream is silent for; null to leave that out. */
  readonly silence: number | null;
}

/** Visits the public URL and tells how visits arrive; after a first one that does not, there are no others. */
export async function* checkPublicWay(options: PublicCheckOptions): AsyncGenerator<Finding> {
  const first = await checkFirstVisit(options);
  yield first;
  if (first.verdict === "wrong") return;
  yield* await checkBytes(options);
  yield await checkEvents(options);
  yield await checkUploadStream(options);
  yield await checkMessages(options);
  yield await checkRoundTrip(options);
  yield await checkDownload(options);
  yield await checkUpload(options);
  if (options.silence !== null) yield await checkSilence(options, options.silence);
}
