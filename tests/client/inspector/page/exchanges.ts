import type { Exchange, ExchangeSummary } from "../../../../lib/client/inspector/exchange.ts";

/** Makes what a list says of an exchange; what is not given is usual. */
export function summary(id: number, parts: Partial<ExchangeSummary> = {}): ExchangeSummary {
  return {
    id,
    kind: "http",
    state: "complete",
    reason: null,
    replayOf: null,
    tunnel: "",
    method: "GET",
    target: "/",
    host: "shop.example.com",
    visitor: "192.0.2.1",
    status: 200,
    arrived: "2026-11-28T12:03:09.120Z",
    duration: 12,
    requestSize: 0,
    responseSize: 0,
    responseType: null,
    messages: null,
    ...parts,
  };
}

/** Makes an exchange with fields and a body that was kept whole. */
export function exchange(parts: Partial<Exchange> = {}): Exchange {
  const body = { kept: 0, size: 0, isComplete: true, type: null, encoding: null, href: null };
  return {
    ...summary(1),
    scheme: "https",
    times: { sentOn: 1, firstByte: 2, end: 3 },
    request: { fields: [], body },
    response: null,
    webhook: null,
    replays: [],
    ...parts,
  };
}

/** Makes what was recorded of a request. */
export function request(fields: Exchange["request"]["fields"]): Exchange["request"] {
  return { ...exchange().request, fields };
}
