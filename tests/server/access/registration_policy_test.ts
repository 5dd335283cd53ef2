import { DenyList } from "../../../lib/server/access/deny_list.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type Applicant,
  RegistrationPolicy,
  type RegistrationPolicyOptions,
} from "../../../lib/server/access/registration_policy.ts";
import { AuthorizedKeys } from "../../../lib/server/access/authorized_keys.ts";
import { MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { Names } from "../../../lib/server/access/names.ts";
import { OPEN_POLICY } from "../../../lib/identity/visitor_policy.ts";
import { RegistrationError } from "../../../lib/wire/registration_error.ts";
import { proveToken } from "../../../lib/identity/token_proof.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

const A = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
const B = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const JWS = "a.b.c";

Deno.test("RegistrationPolicy lets every key in when there is neither a token nor a list", async () => {
  const registrationPolicy = admissionOf();
  await registrationPolicy.checkToken({ jws: JWS });
  await registrationPolicy.checkToken({ jws: JWS, proof: "of another server's token" });
  await registrationPolicy.admit(applicant());
  assert(registrationPolicy.allows(applicant()));
});

Deno.test("RegistrationPolicy.checkToken wants the proof of its own token", async () => {
  const registrationPolicy = admissionOf({ token: "secret" });
  await registrationPolicy.checkToken({ jws: JWS, proof: await proveToken("secret", JWS) });
  for (const proof of [undefined, "", "secret", await proveToken("other", JWS)]) {
    const request = proof === undefined ? { jws: JWS } : { jws: JWS, proof };
    const error = await refused("bad_token", registrationPolicy.checkToken(request));
    assert(!error.message.includes("secret"), error.message);
  }
});

Deno.test("RegistrationPolicy.admit names the key that is not in the list", async () => {
  const registrationPolicy = admissionOf({ keys: keysOf(A) });
  await registrationPolicy.admit(applicant());
  const stranger = applicant({ thumbprint: B });
  assertStringIncludes(
    (await refused("not_authorized", registrationPolicy.admit(stranger))).message,
    B,
  );
  assertEquals([registrationPolicy.allows(applicant()), registrationPolicy.allows(stranger)], [
    true,
    false,
  ]);
});

Deno.test("RegistrationPolicy.replaceKeys changes who is let in and who may stay", async () => {
  const registrationPolicy = admissionOf({ keys: keysOf(`${A} shop`) });
  const [plain, named] = [applicant(), applicant({ name: "shop" })];
  const other = applicant({ thumbprint: B });
  await registrationPolicy.admit(named);
  registrationPolicy.replaceKeys(keysOf(`${A}\n${B} shop`));
  assertEquals([plain, named, other].map((each) => registrationPolicy.allows(each)), [
    true,
    false,
    true,
  ]);
  await refused("bad_name", registrationPolicy.admit(named));
  await registrationPolicy.admit(other);
});

Deno.test("RegistrationPolicy.admit gives a name once when there is no list", async () => {
  const registrationPolicy = admissionOf();
  await registrationPolicy.admit(applicant({ name: "shop" }));
  await registrationPolicy.admit(applicant({ name: "shop" }));
  await refused("name_taken", registrationPolicy.admit(applicant({ name: "shop", thumbprint: B })));
  for (const name of ["www", "xn--shop", "6nyfjbfosvudec2vhh7g2sby5h7a4ab3olvmmrwbwqo7wxgym3ca"]) {
    assertStringIncludes(
      (await refused("bad_name", registrationPolicy.admit(applicant({ name })))).message,
      name,
    );
  }
});

Deno.test("RegistrationPolicy.admit lets a list decide about names: one listed is its key's alone, and no other is given", async () => {
  const registrationPolicy = admissionOf({ keys: keysOf(`${A} shop www\n${B}`) });
  await registrationPolicy.admit(applicant({ name: "shop" }));
  await registrationPolicy.admit(applicant({ name: "www" }));
  await refused("bad_name", registrationPolicy.admit(applicant({ name: "free" })));
  await refused("bad_name", registrationPolicy.admit(applicant({ name: "shop", thumbprint: B })));
  await refused("bad_name", registrationPolicy.admit(applicant({ name: "free", thumbprint: B })));
});

Deno.test("RegistrationPolicy.admit gives a key 16 names, unless a list says which", async () => {
  const listed = Array.from({ length: 20 }, (_, i) => `name-${i}`);
  const free = admissionOf();
  for (const name of listed.slice(0, 16)) await free.admit(applicant({ name }));
  const refusal = await refused("bad_name", free.admit(applicant({ name: "name-16" })));
  assertStringIncludes(refusal.message, "16 names already");
  const registrationPolicy = admissionOf({ keys: keysOf(`${A} ${listed.join(" ")}`) });
  for (const name of listed) await registrationPolicy.admit(applicant({ name }));
});

Deno.test("RegistrationPolicy.admit gives no name that this server has not, whatever a list says", async () => {
  const whyNoName = () => "it is the server's own";
  for (const keys of [null, keysOf(`${A} shop`)]) {
    const registrationPolicy = admissionOf({ keys, whyNoName });
    const error = await refused("bad_name", registrationPolicy.admit(applicant({ name: "shop" })));
    assertStringIncludes(error.message, "the server's own");
    await registrationPolicy.admit(applicant());
  }
});

Deno.test("RegistrationPolicy.admit refuses an address list that nobody could check", async () => {
  const registrationPolicy = admissionOf();
  for (const network of ["1.2.3", "1.2.3.4/33", "::1/129", "a:b", "01.2.3.4"]) {
    const policy = { ...OPEN_POLICY, allowIp: ["127.0.0.1", network] };
    await refused("bad_policy", registrationPolicy.admit(applicant({ policy })));
  }
  await registrationPolicy.admit(
    applicant({ policy: { ...OPEN_POLICY, allowIp: ["::1", "10.0.0.0/8"] } }),
  );
});

Deno.test("RegistrationPolicy.enter refuses an address that registers too often, for a while, and no other", () => {
  using clock = new FakeClock();
  const registrationPolicy = admissionOf({ registrations: { count: 2, period: 60_000 } });
  registrationPolicy.enter("192.0.2.1");
  registrationPolicy.enter("192.0.2.1");
  const error = assertThrows(() => registrationPolicy.enter("192.0.2.1"), RegistrationError);
  assertEquals([error.code, error.permanent], ["try_again", false]);
  assertStringIncludes(error.message, "30 s");
  registrationPolicy.enter("192.0.2.2");
  clock.advance(30_000);
  registrationPolicy.enter("192.0.2.1");
});

Deno.test("RegistrationPolicy takes an IPv6 network of 64 bits for one address", () => {
  using _clock = new FakeClock();
  const registrationPolicy = admissionOf({ registrations: { count: 1, period: 1_000 } });
  registrationPolicy.enter("2001:db8:1:2::1");
  assertThrows(() => registrationPolicy.enter("2001:db8:1:2:ffff::9"), RegistrationError);
  registrationPolicy.enter("2001:db8:1:3::1");
});

Deno.test("RegistrationPolicy refuses the keys and networks that the operator has banned, whatever they have", async () => {
  const denyList = DenyList.inMemory();
  const registrationPolicy = admissionOf({ denyList, keys: keysOf(A) });
  await registrationPolicy.admit(applicant());
  await denyList.add({ kind: "key", value: A, reason: "" });
  const { message, permanent } = await refused(
    "not_authorized",
    registrationPolicy.admit(applicant()),
  );
  assertEquals([message, permanent], ["this key is banned here", true]);
  assert(!registrationPolicy.allows(applicant()));
  await denyList.remove({ kind: "key", value: A });
  await denyList.add({ kind: "network", value: "192.0.2.0/24", reason: "" });
  assert(!registrationPolicy.allows(applicant()));
  assert(registrationPolicy.allows(applicant({ address: "198.51.100.1" })));
  assertThrows(() => registrationPolicy.enter("192.0.2.77"), RegistrationError, "are banned here");
  registrationPolicy.enter("198.51.100.1");
});

Deno.test("RegistrationPolicy.isNoted lets no address fill the log", () => {
  using clock = new FakeClock();
  const registrationPolicy = admissionOf();
  const noted = () => Array.from({ length: 1_000 }, () => registrationPolicy.isNoted("192.0.2.1"));
  assertEquals(noted().filter(Boolean).length, 60);
  assert(registrationPolicy.isNoted("192.0.2.2"));
  clock.advance(30_000);
  assertEquals(noted().filter(Boolean).length, 30);
});

function admissionOf(options: Partial<RegistrationPolicyOptions> = {}): RegistrationPolicy {
  return new RegistrationPolicy({
    token: null,
    keys: null,
    denyList: DenyList.inMemory(),
    registrations: { count: 1000, period: 1000 },
    names: new Names({ bus: new MemoryBus(), onLost: () => {} }),
    whyNoName: () => null,
    ...options,
  });
}

function applicant(options: Partial<Applicant> = {}): Applicant {
  return { thumbprint: A, address: "192.0.2.1", name: "", policy: OPEN_POLICY, ...options };
}

function keysOf(text: string): AuthorizedKeys {
  return AuthorizedKeys.parse(text, "keys");
}

async function refused(code: string, admitted: Promise<void>): Promise<RegistrationError> {
  const error = await assertRejects(() => admitted, RegistrationError);
  assertEquals([error.code, error.permanent], [code, true]);
  return error;
}
