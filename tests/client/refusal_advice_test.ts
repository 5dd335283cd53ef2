import { assertEquals } from "@std/assert";
import { refusalAdvice } from "../../lib/client/refusal_advice.ts";
import { REFUSAL_CODES, RegistrationError } from "../../lib/wire/registration_error.ts";

Deno.test("refusalAdvice says what to do about each refusal that trying again does not help", () => {
  const advice = REFUSAL_CODES.map((code) => refusalAdvice(new RegistrationError(code, "why")));
  const different = "Server and client may be of different versions: update the older one";
  assertEquals(advice, [
    `why. ${different}`,
    `why. ${different}`,
    "why. Name a file in --key that is not there yet, and another key is made",
    `why. ${different}`,
    "why. Put the server's own URL into --server",
    `why. ${different}`,
    "why. Choose another --label",
    "why. Ask who runs the server for its token, and set it as TUNNEL_TOKEN",
    "why. Ask who runs the server to put it on the list of authorized keys",
    "why. Choose another --name, or leave it out",
    "why. Choose another --name, or start the client with the key that has this one (--key)",
    "why. Update the server, or leave out --basic-auth and --allow-ip",
    "why. Use the key that has it (--key), or another server",
    "why",
    "why",
  ]);
});
