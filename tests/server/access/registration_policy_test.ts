import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  Admission,
  type AdmissionOptions,
  type Applicant,
} from "../../../lib/server/access/registration_policy.ts";
import { AuthorizedKeys } from "../../../lib/server/access/authorized_keys.ts";
import { MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { Names } from "../../../lib/server/access/names.ts";
import { NO_EDGE } from "../../../lib/identity/visitor_policy.ts";
import { RegistrationError } from "../../../lib/wire/registration_error.ts";
import { proveToken } from "../../../lib/identity/token_proof.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

const A = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
const B = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const JWS = "a.b.c";

Deno.test("Admission lets every key in when there is neither a token nor a list", async () => {
  const admission = admissionOf();
  await admission.checkToken({ jws: JWS });
  await admission.checkToken({ jws: JWS, proof: "of another server's token" });
  await admission.admit(applicant());
  assert(admission.allows(applicant()));
});

Deno.test("Admission.checkToken wants the proof of its own token", async () => {
  const admission = admissionOf({ token: "secret" });
  await admission.checkToken({ jws: JWS, proof: await proveToken("secret", JWS) });
  for (const proof of [undefined, "", "secret", await proveToken("other", JWS)]) {
    const request = proof === undefined ? { jws: JWS } : { jws: JWS, proof };
    const error = await refused("bad_token", admission.checkToken(request));
    assert(!error.message.includes("secret"), error.message);
  }
});

Deno.test("Admission.admit names the key that is not in the list", async () => {
  const admission = admissionOf({ keys: keysOf(A) });
  await admission.admit(applicant());
  const stranger = applicant({ thumbprint: B });
  assertStringIncludes((await refused("not_authorized", admission.admit(stranger))).message, B);
  assertEquals([admission.allows(applicant()), admission.allows(stranger)], [true, false]);
});

Deno.test("Admission.replaceKeys changes who is let in and who may stay", async () => {
  const admission = admissionOf({ keys: keysOf(`${A} shop`) });
  const [plain, named] = [applicant(), applicant({ name: "shop" })];
  const other = applicant({ thumbprint: B });
  await admission.admit(named);
  admission.replaceKeys(keysOf(`${A}\n${B} shop`));
  assertEquals([plain, named, other].map((each) => admission.allows(each)), [true, false, true]);
  await refused("bad_name", admission.admit(named));
  await admission.admit(other);
});

Deno.test("Admission.admit gives a name once when there is no list", async () => {
  const admission = admissionOf();
  await admission.admit(applicant({ name: "shop" }));
  await admission.admit(applicant({ name: "shop" }));
  await refused("name_taken", admission.admit(applicant({ name: "shop", thumbprint: B })));
  for (const name of ["www", "xn--shop", "6nyfjbfosvudec2vhh7g2sby5h7a4ab3olvmmrwbwqo7wxgym3ca"]) {
    assertStringIncludes(
      (await refused("bad_name", admission.admit(applicant({ name })))).message,
      name,
    );
  }
});

Deno.test("Admission.admit lets a list decide about names: one listed is its key's alone, and no other is given", async () => {
  const admission = admissionOf({ keys: keysOf(`${A} shop www\n${B}`) });
  await admission.admit(applicant({ name: "shop" }));
  await admission.admit(applicant({ name: "www" }));
  await refused("bad_name", admission.admit(applicant({ name: "free" })));
  await refused("bad_name", admission.admit(applicant({ name: "shop", thumbprint: B })));
  await refused("bad_name", admission.admit(applicant({ name: "free", thumbprint: B })));
});

Deno.test("Admission.admit gives a key 16 names, unless a list says which", async () => {
  const listed = Array.from({ length: 20 }, (_, i) => `name-${i}`);
  const free = admissionOf();
  for (const name of listed.slice(0, 16)) await free.admit(applicant({ name }));
  const refusal = await refused("bad_name", free.admit(applicant({ name: "name-16" })));
  assertStringIncludes(refusal.message, "16 names already");
  const admission = admissionOf({ keys: keysOf(`${A} ${listed.join(" ")}`) });
  for (const name of listed) await admission.admit(applicant({ name }));
});

Deno.test("Admission.admit gives no name that this server has not, whatever a list says", async () => {
  const whyNoName = () => "it is the server's own";
  for (const keys of [null, keysOf(`${A} shop`)]) {
    const admission = admissionOf({ keys, whyNoName });
    const error = await refused("bad_name", admission.admit(applicant({ name: "shop" })));
    assertStringIncludes(error.message, "the server's own");
    await admission.admit(applicant());
  }
});

Deno.test("Admission.admit refuses an address list that nobody could check", async () => {
  const admission = admissionOf();
  for (const network of ["1.2.3", "1.2.3.4/33", "::1/129", "a:b", "01.2.3.4"]) {
    const edge = { basicAuth: null, allowIp: ["127.0.0.1", network] };
    await refused("bad_edge", admission.admit(applicant({ edge })));
  }
  await admission.admit(applicant({ edge: { basicAuth: null, allowIp: ["::1", "10.0.0.0/8"] } }));
});

Deno.test("A15 Admission.enter refuses an address that registers too often, for a while, and no other", () => {
  using clock = new FakeClock();
  const admission = admissionOf({ registrations: { count: 2, period: 60_000 } });
  admission.enter("192.0.2.1");
  admission.enter("192.0.2.1");
  const error = assertThrows(() => admission.enter("192.0.2.1"), RegistrationError);
  assertEquals([error.code, error.permanent], ["try_again", false]);
  assertStringIncludes(error.message, "30 s");
  admission.enter("192.0.2.2");
  clock.advance(30_000);
  admission.enter("192.0.2.1");
});

Deno.test("A15 Admission takes an IPv6 network of 64 bits for one address", () => {
  using _clock = new FakeClock();
  const admission = admissionOf({ registrations: { count: 1, period: 1_000 } });
  admission.enter("2001:db8:1:2::1");
  assertThrows(() => admission.enter("2001:db8:1:2:ffff::9"), RegistrationError);
  admission.enter("2001:db8:1:3::1");
});

Deno.test("A15 Admission.isNoted lets no address fill the log", () => {
  using clock = new FakeClock();
  const admission = admissionOf();
  const noted = () => Array.from({ length: 1_000 }, () => admission.isNoted("192.0.2.1"));
  assertEquals(noted().filter(Boolean).length, 60);
  assert(admission.isNoted("192.0.2.2"));
  clock.advance(30_000);
  assertEquals(noted().filter(Boolean).length, 30);
});

function admissionOf(options: Partial<AdmissionOptions> = {}): Admission {
  return new Admission({
    token: null,
    keys: null,
    registrations: { count: 1000, period: 1000 },
    names: new Names({ bus: new MemoryBus(), onLost: () => {} }),
    whyNoName: () => null,
    ...options,
  });
}

function applicant(options: Partial<Applicant> = {}): Applicant {
  return { thumbprint: A, name: "", edge: NO_EDGE, ...options };
}

function keysOf(text: string): AuthorizedKeys {
  return AuthorizedKeys.parse(text, "keys");
}

async function refused(code: string, admitted: Promise<void>): Promise<RegistrationError> {
  const error = await assertRejects(() => admitted, RegistrationError);
  assertEquals([error.code, error.permanent], [code, true]);
  return error;
}
