import type { ExchangeTimes } from "../exchange.ts";
import { durationText } from "../../../cli/measures.ts";

/** Where the time of an exchange went: until it was sent on, until the answer began, until it was over. */
export function TimeBar({ times }: { readonly times: ExchangeTimes }) {
  const segments = segmentsOf(times);
  const total = segments.reduce((sum, { length }) => sum + length, 0);
  if (segments.length === 0) return null;
  return (
    <figure class="times">
      <div class="time-bar" aria-hidden="true">
        {segments.map(({ name, length }) => (
          <span
            key={name}
            class={`time-${name}`}
            style={{ flexGrow: total === 0 ? 1 : length / total }}
          >
          </span>
        ))}
      </div>
      <figcaption>
        {segments.map(({ name, length, label }) => (
          <span key={name}>
            <i class={`time-${name}`} aria-hidden="true"></i>
            {label} <b>{durationText(length)}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

interface Segment {
  readonly name: "sending" | "waiting" | "receiving";
  readonly label: string;
  readonly length: number;
}

function segmentsOf({ sentOn, firstByte, end }: ExchangeTimes): readonly Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  const put = (name: Segment["name"], label: string, to: number | null): void => {
    if (to === null) return;
    segments.push({ name, label, length: Math.max(0, to - from) });
    from = Math.max(from, to);
  };
  // An answer may begin, or all be over, before the service had taken the request.
  const answered = firstByte ?? end;
  put(
    "sending",
    "request sent on",
    sentOn === null ? answered : Math.min(sentOn, answered ?? sentOn),
  );
  put("waiting", "waiting for the answer", sentOn === null ? null : answered);
  if (firstByte !== null) put("receiving", "answer", end);
  return segments;
}
