import type { RefusalCode, RegistrationError } from "../wire/registration_error.ts";

/** Words a refusal for good for the owner: why, and behind that what to do about it. */
export function refusalAdvice({ code, message }: RegistrationError): string {
  const advice = adviceOnRefusal(code);
  return advice === "" ? message : `${message}. ${advice}`;
}

/** Returns what to do about a refusal, without the full stop; empty where there is nothing to do but to try again. */
export function adviceOnRefusal(code: RefusalCode): string {
  return ADVICE[code];
}

/** Nothing that an owner does makes such a registration a right one: one of the two programs is at fault. */
const OTHER_VERSION = "Server and client may be of different versions: update the older one";

/** Sentences, without the full stop. */
const ADVICE: Readonly<Record<RefusalCode, string>> = {
  malformed: OTHER_VERSION,
  unsupported_algorithm: OTHER_VERSION,
  bad_key: "Name a file in --key that is not there yet, and another key is made",
  bad_signature: OTHER_VERSION,
  wrong_audience: "Put the server's own URL into --server",
  wrong_nonce: OTHER_VERSION,
  bad_label: "Choose another --label",
  bad_token: "Ask who runs the server for its token, and set it as TUNNEL_TOKEN",
  not_authorized: "Ask who runs the server to put it on the list of authorized keys",
  bad_name: "Choose another --name, or leave it out",
  name_taken: "Choose another --name, or start the client with the key that has this one (--key)",
  bad_policy: "Update the server, or leave out --basic-auth and --allow-ip",
  hostname_taken: "Use the key that has it (--key), or another server",
  timeout: "",
  try_again: "",
};
