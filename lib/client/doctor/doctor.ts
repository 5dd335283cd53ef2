import { checkPublicWay, type PublicCheckOptions } from "../../cli/doctor/public_checks.ts";
import { type Finding, right, wrong } from "../../cli/doctor/finding.ts";
import { Probes } from "../../cli/doctor/probes.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { SigningKey } from "../../identity/key.ts";
import { thumbprintOf } from "../../identity/thumbprint.ts";
import { RegistrationError } from "../../wire/registration_error.ts";
import { adviceOnRefusal } from "../refusal_advice.ts";
import { checkServer, type ServerCheckOptions } from "./server_checks.ts";
import { TestTunnel } from "../test_tunnel.ts";
import { ProbeService } from "./probe_service.ts";

export interface ExaminationOptions
  extends ServerCheckOptions, Pick<PublicCheckOptions, "patience" | "size" | "silence"> {
  /** The server's token; null for none. */
  readonly token: string | null;
  readonly key: SigningKey;
}

const CHECK = "registration";

/** Characters of a key's thumbprint and of an id that are shown: enough to recognize them. */
const SHOWN = 8;

/** Goes to a server, registers there, and comes back through the public URL as a visitor; stops at what bars the way. */
export async function* examine(options: ExaminationOptions): AsyncGenerator<Finding> {
  const isReached = yield* checkServer(options);
  if (!isReached) return;
  const { server, proxy, authorities, key } = options;
  const probes = new Probes();
  let tunnel: TestTunnel;
  try {
    tunnel = await TestTunnel.open({
      ...options,
      purpose: "doctor",
      service: new ProbeService(probes),
    });
  } catch (error) {
    yield refused(error);
    return;
  }
  await using _tunnel = tunnel;
  const { url } = tunnel;
  const name = url.host === new URL(server).host ? "the only tunnel" : `id ${idOf(url)}`;
  yield right(CHECK, `as ${(await thumbprintOf(key.publicKey)).slice(0, SHOWN)}, ${name}`);
  yield* checkPublicWay({ ...options, probes, way: { url, proxy, authorities } });
}

function refused(error: unknown): Finding {
  if (!(error instanceof RegistrationError)) {
    return wrong(CHECK, messageOf(error), "Try again in a minute, or see the server's log");
  }
  const advice = adviceOnRefusal(error.code);
  return wrong(
    CHECK,
    `refused: ${error.message}`,
    advice === "" ? "Try again in a minute, or see the server's log" : advice,
  );
}

function idOf({ hostname }: URL): string {
  return `${hostname.slice(0, SHOWN)}…`;
}
