import { generateKeyPairSync } from "node:crypto";
import { assertEquals, assertMatch } from "@std/assert";
import { type Finding, right } from "../../../lib/cli/doctor/finding.ts";
import { AddressSet } from "../../../lib/net/address_set.ts";
import { ALL_NODES } from "../../../lib/server/cluster/announcer.ts";
import { checkCertificate } from "../../../lib/server/doctor/certificate_check.ts";
import { checkDNS } from "../../../lib/server/doctor/dns_checks.ts";
import { type ExaminationOptions, examine } from "../../../lib/server/doctor/doctor.ts";
import { checkClock, checkDescriptors } from "../../../lib/server/doctor/machine_checks.ts";
import { checkNodes } from "../../../lib/server/doctor/nodes_check.ts";
import { checkRedis } from "../../../lib/server/doctor/redis_checks.ts";
import { CERTIFICATE, pathOf, readCertificate } from "../../testing/certificate.ts";
import { eventually } from "../../testing/eventually.ts";
import { freePort } from "../../testing/free_port.ts";
import { freePorts, isInstalled } from "../../testing/front_proxy.ts";
import { nginxIn } from "../../testing/nginx.ts";
import { BUS_DOMAIN, type OpenBus, openRedisBuses } from "../../testing/redis_buses.ts";
import { hasRedis, RedisServer } from "../../testing/redis_server.ts";
import { TempDir } from "../../testing/temp_dir.ts";
import { TestNode } from "../../testing/test_node.ts";
import { PATIENCE } from "../../testing/within.ts";
import { type Records, TestNameServer } from "./name_server.ts";

const hasNginx = isInstalled("nginx");

const GOOD_RECORDS: Records = {
  "tunnel.example A": ["203.0.113.7"],
  "*.tunnel.example A": ["203.0.113.7"],
  "_acme-challenge.tunnel.example NS": ["tunnel.example"],
};

const NS_ADVICE = "set the record: _acme-challenge.tunnel.example NS tunnel.example";

Deno.test("a server's doctor tells which DNS records there are", async () => {
  assertEquals(await dnsFindings(GOOD_RECORDS, true), [
    "right: tunnel.example → 203.0.113.7",
    "right: *.tunnel.example → 203.0.113.7",
    "right: _acme-challenge.tunnel.example is asked at tunnel.example",
  ]);
});

Deno.test("a server's doctor tells which DNS record is missing or wrong, and what it should be", async () => {
  const bare = await dnsFindings({}, true);
  const advice = bare.map((finding) => finding.replace(/^.*? \| /, ""));
  assertEquals(advice, [
    "Set the record: tunnel.example A <this server's address>",
    "Set the record: *.tunnel.example A <this server's address> (without it tunnels are reached " +
    "by path alone)",
    `For --acme ${NS_ADVICE}`,
  ]);
  assertEquals(bare.map((finding) => finding.split(":", 1)[0]), ["wrong", "wrong", "wrong"]);
  const changed = {
    ...GOOD_RECORDS,
    "*.tunnel.example A": ["198.51.100.1"],
    "_acme-challenge.tunnel.example NS": ["ns.elsewhere.example"],
  };
  assertEquals((await dnsFindings(changed, true)).slice(1), [
    "wrong: *.tunnel.example → 198.51.100.1, and tunnel.example elsewhere" +
    " | Set the record: *.tunnel.example A 203.0.113.7",
    "wrong: _acme-challenge.tunnel.example is asked at ns.elsewhere.example" +
    ` | For --acme ${NS_ADVICE}`,
  ]);
  // A server that gets no certificate itself needs no such record.
  const [, , challenge] = await dnsFindings({}, false);
  assertMatch(
    challenge ?? "",
    /^unknown: _acme-challenge.tunnel.example has no NS record, which --acme alone needs/,
  );
});

Deno.test("a server's doctor tells whether the certificate is good for the tunnels", async () => {
  const { certFile, keyFile } = CERTIFICATE;
  assertMatch(await judged({}), /^right: for localhost, \*\.localhost, .* \d+ days left$/);
  assertMatch(
    await judged({ domain: "tunnel.example" }),
    /^wrong: is for localhost.*, and not for tunnel\.example, \*\.tunnel\.example$/,
  );
  assertMatch(await judged({ certFile: pathOf("expired.pem") }), /expired on 2021-01-01$/);
  assertMatch(
    await judged({ certFile: pathOf("not_yet_valid.pem") }),
    /^wrong: is valid from 2200-01-01 on, and this clock says \d{4}-/,
  );
  assertMatch(
    await judged({ now: new Date("2126-11-20T00:00:00Z") }),
    /^wrong: for localhost, .* 2 days left$/,
  );
  assertEquals(
    await judged({ certFile: "/nowhere/cert.pem" }),
    "wrong: /nowhere/cert.pem: there is no such file",
  );
  assertEquals(
    await judged({ certFile: keyFile }),
    `wrong: ${keyFile}: it has no PEM that can be read`,
  );
  await using folder = await TempDir.make();
  const other = `${folder.path}/other.pem`;
  await Deno.writeTextFile(other, newKey());
  assertEquals(
    await judged({ certFile, keyFile: other }),
    `wrong: ${other} is the key of another certificate`,
  );
});

Deno.test("a server's doctor tells how many descriptors there are, and that they are too few", async () => {
  const found: string[] = [];
  for (const question of ["echo 524288", "echo unlimited", "ulimit -n 4096; ulimit -H -n"]) {
    const { verdict, text } = await checkDescriptors(question);
    found.push(`${verdict}: ${text}`);
  }
  assertEquals(found, [
    "right: 524288 files and connections at once",
    "right: unlimited files and connections at once",
    "wrong: 4096 files and connections at once, and a crowd needs 65536",
  ]);
  assertEquals((await checkDescriptors("exit 1")).verdict, "unknown");
});

Deno.test("a server's doctor compares the clock with that of Redis", () => {
  const now = new Date("2030-01-01T00:01:00Z");
  const clocks = [null, now, new Date("2030-01-01T00:00:00Z"), new Date("2030-01-01T00:02:00Z")];
  assertEquals(clocks.map((other) => checkClock(other, now).text), [
    "2030-01-01T00:01:00Z, with nothing to compare it with",
    "as Redis has it",
    "60 s ahead of that of Redis",
    "60 s behind that of Redis",
  ]);
});

Deno.test("a server's doctor asks Redis what it forgets", { ignore: !hasRedis }, async () => {
  await using careless = await RedisServer.start({ args: ["--maxmemory-policy", "allkeys-lru"] });
  const { findings, time } = await checkRedis(careless.url);
  assertEquals(findings.map(({ check, verdict, advice }) => [check, verdict, advice]), [
    ["Redis", "right", null],
    ["eviction", "wrong", "Set maxmemory-policy noeviction"],
    ["persistence", "wrong", "Set appendonly yes"],
  ]);
  assertEquals(checkClock(time).verdict, "right");
  await using careful = await RedisServer.start();
  await careful.run(["CONFIG", "SET", "appendonly", "yes"]);
  const good = await checkRedis(careful.url);
  assertEquals(good.findings.map(({ verdict }) => verdict), ["right", "right", "right"]);
});

Deno.test(
  "a server's doctor names the nodes that have another admin token",
  { ignore: !hasRedis },
  async () => {
    await using redis = await RedisServer.start();
    const adminToken = "the token of the operators";
    const asked = { bus: redis.url, domain: BUS_DOMAIN, adminToken, patience: PATIENCE };
    assertEquals(await checkNodes(asked), right("nodes", "none runs"));

    await using buses = await openRedisBuses(redis.url);
    const flags = ["--domain", BUS_DOMAIN, "--open", "--admin-token"];
    const start = (bus: OpenBus, token: string) =>
      TestNode.start({ bus, isDirect: true, args: [...flags, token] });
    await using _same = start(buses.one, adminToken);
    await eventually("the first node", async () => await nodesOf(buses.one) === 1);
    assertEquals(await checkNodes(asked), right("nodes", "1 with this --admin-token"));

    await using other = start(buses.other, "another token of theirs");
    await eventually("the other node", async () => await nodesOf(buses.one) === 2);
    const found = await checkNodes({ ...asked, patience: 300 });
    assertEquals([found.verdict, found.text.includes(`http://127.0.0.1:${other.port}:`)], [
      "wrong",
      true,
    ]);
    assertEquals((await checkNodes({ ...asked, adminToken: null })).verdict, "unknown");
  },
);

async function nodesOf(bus: OpenBus): Promise<number> {
  return (await bus.locate(ALL_NODES)).length;
}

Deno.test("a server's doctor finds a Redis that is not there", async () => {
  const { findings: [found], time } = await checkRedis(`redis://127.0.0.1:${freePort()}`);
  assertEquals([found?.check, found?.verdict, time], ["Redis", "wrong", null]);
});

Deno.test("a server's doctor stands in for the server, and finds nothing wrong with TLS of its own", async () => {
  const { certFile, keyFile } = CERTIFICATE;
  const findings = await examined({
    tls: { certFile, keyFile },
    domain: "tunnel.localhost",
    authorities: [readCertificate()],
  });
  assertEquals(wrongOnes(findings), []);
  assertEquals(findings.map(({ check }) => check), [
    "name",
    "certificate",
    "clock",
    "port",
    "public URL",
    "bytes",
    "cookies",
    "events",
    "upload",
    "messages",
    "round trip",
    "large download",
    "large upload",
    "visitors",
  ]);
});

Deno.test("a server's doctor finds a port that is in use, and looks no further there", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const findings = await examined({ port: other.addr.port });
  assertEquals(wrongOnes(findings).map(({ check, text }) => [check, text]), [
    ["port", `${other.addr.port}: the port is in use`],
  ]);
  assertEquals(findings.at(-1)?.verdict, "unknown");
});

Deno.test(
  "a server's doctor finds nothing wrong behind nginx as it is deployed",
  { ignore: !hasNginx },
  async () => {
    const findings = await behindNginx([]);
    assertEquals(wrongOnes(findings), []);
    assertMatch(findings.at(-1)?.text ?? "", /^told by the proxy, .*\(127\.0\.0\.1\)$/);
  },
);

/** What nginx must not do, or not be trusted with, and what a doctor says of it. */
const NGINX_FAULTS: readonly {
  readonly fault: string;
  readonly changes?: readonly (readonly [text: string, replacement: string])[];
  readonly options?: Partial<ExaminationOptions>;
  readonly check: string;
  readonly text: RegExp;
  readonly advice: RegExp;
}[] = [
  {
    fault: "passes on what visitors claim",
    changes: [
      ["X-Forwarded-For $remote_addr;", "X-Forwarded-For $proxy_add_x_forwarded_for;"],
      ["proxy_set_header Forwarded '';", ""],
    ],
    check: "visitors",
    text: /passes on what they claim in forwarded, x-forwarded-for$/,
    advice: /\$remote_addr/,
  },
  {
    fault: "names another scheme",
    changes: [["X-Forwarded-Proto $scheme;", "X-Forwarded-Proto http;"]],
    check: "visitors",
    text: /come by https, and X-Forwarded-Proto says http$/,
    advice: /\$scheme/,
  },
  {
    fault: "tells nobody's address",
    changes: [["X-Forwarded-For $remote_addr;", "X-Forwarded-For '';"]],
    check: "visitors",
    text: /their addresses are not told/,
    advice: /\$remote_addr/,
  },
  {
    fault: "is not trusted",
    options: { trustProxy: null },
    check: "visitors",
    text: /all seem to be at 127\.0\.0\.1/,
    advice: /--trust-proxy 127\.0\.0\.1/,
  },
  {
    fault: "is trusted at another address",
    options: { trustProxy: AddressSet.parse("10.0.0.0/8") },
    check: "visitors",
    text: /come from 127\.0\.0\.1, whose word/,
    advice: /Add 127\.0\.0\.1 to --trust-proxy/,
  },
  {
    fault: "drops Upgrade",
    changes: [["proxy_set_header Upgrade $http_upgrade;", ""]],
    check: "messages",
    text: /status 4\d\d/,
    advice: /Upgrade/,
  },
  {
    fault: "collects answers",
    changes: [["proxy_buffering off;", "proxy_buffering on;"]],
    options: { patience: 1_000 },
    check: "events",
    text: /late, all at once/,
    advice: /proxy_buffering off/,
  },
  {
    fault: "caps bodies",
    changes: [["client_max_body_size 0;", "client_max_body_size 10k;"]],
    check: "large upload",
    text: /status 413/,
    advice: /client_max_body_size 0/,
  },
  {
    fault: "looks for the server elsewhere",
    changes: [[
      "proxy_pass http://$tunnel_upstream;",
      `proxy_pass http://127.0.0.1:${freePort()};`,
    ]],
    check: "public URL",
    text: /status 502/,
    advice: /does not reach it/,
  },
];

for (const { fault, changes = [], options = {}, check, text, advice } of NGINX_FAULTS) {
  Deno.test(`a server's doctor finds that nginx ${fault}`, { ignore: !hasNginx }, async () => {
    const [found, ...others] = wrongOnes(await behindNginx(changes, options));
    assertEquals([found?.check, others], [check, []]);
    assertMatch(found?.text ?? "", text);
    assertMatch(found?.advice ?? "", advice);
  });
}

async function behindNginx(
  changes: readonly (readonly [text: string, replacement: string])[],
  options: Partial<ExaminationOptions> = {},
): Promise<Finding[]> {
  await using folder = await TempDir.make();
  const ports = freePorts();
  const { proxy, authorityFile } = await nginxIn(folder.path, changes)(ports);
  await using _proxy = proxy;
  return await examined({
    port: ports.server,
    domain: "tunnel.localhost",
    publicUrl: `https://localhost:${ports.proxy}`,
    trustProxy: AddressSet.parse("loopback"),
    authorities: [await Deno.readTextFile(authorityFile)],
    ...options,
  });
}

/** Examines what a server on this machine needs; how many descriptors that has is no matter of these tests. */
async function examined(options: Partial<ExaminationOptions>): Promise<Finding[]> {
  const findings = await Array.fromAsync(examine({
    domain: "localhost",
    fixed: false,
    publicUrl: null,
    tls: null,
    acme: null,
    trustProxy: null,
    hostname: "127.0.0.1",
    port: freePort(),
    clientPort: null,
    httpPort: null,
    bus: "memory",
    adminToken: null,
    ...options,
  }));
  return findings.filter(({ check }) => check !== "descriptors");
}

async function dnsFindings(records: Records, needsChallenge: boolean): Promise<string[]> {
  await using server = new TestNameServer(records);
  const options = { domain: "tunnel.example", fixed: false, needsChallenge };
  const findings = await Array.fromAsync(checkDNS({ ...options, nameServer: server.place }));
  return findings.map(({ verdict, text, advice }) =>
    `${verdict}: ${text}${advice === null ? "" : ` | ${advice}`}`
  );
}

interface Judging {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly domain?: string;
  readonly now?: Date;
}

async function judged({ now, domain = "localhost", ...files }: Judging): Promise<string> {
  const options = { domain, publicUrl: null, fixed: false, acme: null };
  const { verdict, text } = await checkCertificate(
    { ...options, tls: { ...CERTIFICATE, ...files } },
    now,
  );
  return `${verdict}: ${text}`;
}

function wrongOnes(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ verdict }) => verdict === "wrong");
}

/** Makes a private key in PEM. */
function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
