import { MAX_LIFETIME, MAX_NODES_OF_HOSTNAME } from "./bus_limits.ts";

/**
 * Names the keys of a domain in Redis. They never meet those of another domain or another program, so that one Redis
 * may serve several.
 */
export class RedisLayout {
  readonly #prefix: string;

  constructor(domain: string) {
    this.#prefix = `tunnel:${domain}`;
  }

  /** A string: the record of a node as JSON. */
  node(id: string): string {
    return `${this.#prefix}:node:${id}`;
  }

  /** A sorted set: ids of nodes by the end of their leases, in microseconds of Redis' own clock. */
  at(hostname: string): string {
    return `${this.#prefix}:at:${hostname}`;
  }

  /** A string: what the ticket stands for. */
  ticket(ticket: string): string {
    return `${this.#prefix}:ticket:${ticket}`;
  }

  /** A string: the owner. */
  name(name: string): string {
    return `${this.#prefix}:name:${name}`;
  }

  /** A string: a text that all nodes can read. */
  text(name: string): string {
    return `${this.#prefix}:text:${name}`;
  }

  /** A string: who holds the lock. */
  lock(name: string): string {
    return `${this.#prefix}:lock:${name}`;
  }

  /** A string: since when this Redis remembers names, in microseconds of its clock, and which run of it that is. */
  get memory(): string {
    return `${this.#prefix}:memory`;
  }

  /** A string that is gone again in a second. */
  get probe(): string {
    return `${this.#prefix}:probe`;
  }

  /** A channel: messages to a node. */
  to(node: string): string {
    return `${this.#prefix}:to:${node}`;
  }
}

/** Reads Redis' clock, so that the clocks of the nodes need not agree. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local latest = now + ${MAX_LIFETIME * 1000}
`;

/**
 * KEYS: sorted sets of hostnames; ARGV: node, lifetime in milliseconds. The key lasts as long as the last lease;
 * leases that have ended go at once, members that are not leases when there are too many.
 */
export const ANNOUNCE = `${NOW}
local ends = now + ARGV[2] * 1000
for _, key in ipairs(KEYS) do
  local said = redis.pcall('ZADD', key, ends, ARGV[1])
  if type(said) == 'table' then
    if not string.find(said.err, 'WRONGTYPE') then return said end
    redis.call('DEL', key)
    redis.call('ZADD', key, ends, ARGV[1])
  end
  local count = redis.call('ZCARD', key)
  if count > 1 then redis.call('ZREMRANGEBYSCORE', key, '-inf', now) end
  if count > ${MAX_NODES_OF_HOSTNAME} then
    redis.call('ZREMRANGEBYSCORE', key, latest, '+inf')
    redis.call('ZREMRANGEBYRANK', key, 0, -${MAX_NODES_OF_HOSTNAME + 1})
  end
  if count == 1 or redis.call('PTTL', key) < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
`;

/** KEYS: sorted sets of hostnames; ARGV: node. */
export const WITHDRAW = `
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'zset' then redis.call('ZREM', key, ARGV[1]) end
end
`;

/** KEYS: the sorted set of a hostname; ARGV: bytes that a node's id may have. Returns ids, the latest first. */
export const LOCATE = `${NOW}
local found = {}
if redis.call('TYPE', KEYS[1]).ok == 'zset' then
  local first = string.format('(%.0f', now)
  local nodes = redis.call('ZREVRANGEBYSCORE', KEYS[1], latest, first, 'LIMIT', 0,
    ${MAX_NODES_OF_HOSTNAME})
  for _, node in ipairs(nodes) do
    if #node <= tonumber(ARGV[1]) then found[#found + 1] = node end
  end
end
return found
`;

/** KEYS: a string; ARGV: bytes that it may have. Returns it, or nothing. */
export const READ = `
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('STRLEN', KEYS[1]) <= tonumber(ARGV[1]) then
  return redis.call('GET', KEYS[1])
end
return false
`;

/** KEYS: a string; ARGV: bytes that it may have. Deletes it and returns it, or returns nothing. */
export const TAKE = `
local value = false
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('STRLEN', KEYS[1]) <= tonumber(ARGV[1]) then
  value = redis.call('GET', KEYS[1])
end
redis.call('DEL', KEYS[1])
return value
`;

/**
 * Reads since when names are remembered, and says that it is since now when it is not known: Redis came back empty. After
 * a new start it may lack what was written last, and another server in its place what it had not got yet.
 */
const MEMORY = `${NOW}
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'unknown'
local memory = ''
if redis.call('TYPE', KEYS[2]).ok == 'string' then memory = redis.call('GETRANGE', KEYS[2], 0, 99) end
local since = tonumber(string.match(memory, '^(%d+) ' .. run .. '$'))
if not since or since > now then
  since = now
  memory = string.format('%.0f ', now) .. run
end
redis.call('SET', KEYS[2], memory, 'PX', ${MAX_LIFETIME})
`;

/**
 * KEYS: the string of a name, the memory; ARGV: owner, lifetime in milliseconds, bytes that an owner may have,
 * milliseconds of memory before a free name is given. Returns the owner, or nothing for a name that is not given yet,
 * and the memory.
 */
export const CLAIM = `${MEMORY}
local wait = ARGV[4] * 1000
if redis.call('TYPE', KEYS[1]).ok == 'string' then
  local owner = redis.call('GETRANGE', KEYS[1], 0, ARGV[3])
  if owner == ARGV[1] then
    wait = 0
  elseif #owner <= tonumber(ARGV[3]) and string.find(owner, '^[!-~]+$') then
    return {owner, memory}
  end
end
if now - since < wait then return {'', memory} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1], memory}
`;

/**
 * KEYS: a lock; ARGV: who wants to hold it, lifetime in milliseconds. Returns 1 when it is held by that one now. What
 * would never run out is none.
 */
export const LOCK = `
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('PTTL', KEYS[1]) > 0 and
    redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** KEYS: a lock; ARGV: who holds it. */
export const UNLOCK = `
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
`;

/** KEYS: the probe, the memory. Succeeds only where scripts may run and write. */
export const PROBE = `redis.call('SET', KEYS[1], '1', 'PX', 1000)
${MEMORY}`;
