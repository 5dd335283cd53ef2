import { type Finding, right, wrong } from "../../cli/doctor/finding.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { parseRedisUrl } from "../bus/redis_address.ts";
import { RedisConnection } from "../bus/redis_connection.ts";

/** What was found of a Redis server. */
export interface RedisFindings {
  readonly findings: readonly Finding[];
  /** The time by its clock; null where it did not tell. */
  readonly time: Date | null;
}

/** The oldest version that has all that the bus asks for. */
const LEAST_VERSION = 6;

/** Asks Redis what it is, and whether it keeps what the nodes share. */
export async function checkRedis(url: string): Promise<RedisFindings> {
  const address = parseRedisUrl(url);
  const connection = new RedisConnection(address);
  try {
    await connection.open();
    const info = textOf(await connection.ask(["INFO"]));
    const time = timeOf(await connection.ask(["TIME"]));
    const place = `${address.host}:${address.port}`;
    return { findings: [onServer(info, place), onMemory(info), onPersistence(info)], time };
  } catch (error) {
    const advice = "Check --bus, and that Redis runs and lets this machine in";
    return { findings: [wrong("Redis", messageOf(error), advice)], time: null };
  } finally {
    await connection.close();
  }
}

function onServer(info: string, place: string): Finding {
  const version = valueIn(info, "redis_version");
  const text = `${version} at ${place}`;
  if (valueIn(info, "cluster_enabled") === "1") {
    return wrong(
      "Redis",
      `${text} is a Redis Cluster`,
      "Use one server, with replicas if you like",
    );
  }
  return Number.parseInt(version, 10) >= LEAST_VERSION
    ? right("Redis", text)
    : wrong("Redis", `${text} is too old`, `Use Redis ${LEAST_VERSION}.0 or later`);
}

function onMemory(info: string): Finding {
  const policy = valueIn(info, "maxmemory_policy");
  if (policy === "noeviction") return right("eviction", "none: a full Redis refuses, and says so");
  return wrong(
    "eviction",
    `maxmemory-policy ${policy}: when memory is short, tunnels and names are forgotten`,
    "Set maxmemory-policy noeviction",
  );
}

function onPersistence(info: string): Finding {
  if (valueIn(info, "aof_enabled") !== "1") {
    const text = "a restart forgets the names of clients that are away";
    return wrong("persistence", text, "Set appendonly yes");
  }
  return valueIn(info, "aof_last_write_status") === "ok"
    ? right("persistence", "appendonly: a restart forgets nothing")
    : wrong("persistence", "its last write to the disk failed", "See Redis' log, and its disk");
}

/** Returns the value of a line of INFO; a question mark where it has no such line. */
function valueIn(info: string, name: string): string {
  return new RegExp(`^${name}:([^\r\n]*)`, "m").exec(info)?.[1] ?? "?";
}

/** Reads the answer to TIME: seconds and microseconds. */
function timeOf(answer: unknown): Date | null {
  const seconds = Array.isArray(answer) ? Number(textOf(answer[0])) : NaN;
  return Number.isNaN(seconds) ? null : new Date(seconds * 1000);
}

function textOf(answer: unknown): string {
  // INFO is a verbatim string, which is none of those that the connection leaves as bytes.
  if (typeof answer === "string") return answer;
  return answer instanceof Uint8Array ? new TextDecoder().decode(answer) : "";
}
