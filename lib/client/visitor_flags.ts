import { UsageError } from "../cli/command_line.ts";
import {
  durationFlag,
  type Flag,
  flagName,
  type FlagValues,
  integerFlag,
  listFlag,
  rateFlag,
  SecretError,
  sizeFlag,
  switchFlag,
  valueFlag,
} from "../cli/flags.ts";
import {
  isPassword,
  isUser,
  type Login,
  MAX_PASSWORD_LENGTH,
  MAX_USER_LENGTH,
} from "../identity/password_hash.ts";
import {
  isTooLong,
  MAX_ALLOWED,
  MAX_LIMIT,
  MAX_USERS,
  type VisitorRules,
} from "../identity/visitor_policy.ts";
import { isNetwork } from "../net/address_set.ts";

const VISITORS = "Its visitors";
const NOBODY: readonly Login[] = [];
const EVERYBODY: readonly string[] = [];

/** The options about visitors with their flags. What they limit, the server may limit further. */
export const VISITOR_FLAGS = {
  /** What visitors must present, in clear; none lets everybody in. */
  basicAuth: usersFlag(),
  /** Let browsers log in on a page. */
  login: switchFlag({
    group: VISITORS,
    help: "ask for --basic-auth on a page of its own, which browsers remember for a week",
  }),
  /** Addresses and networks of the visitors that are let in; none for all. */
  allowIp: valueFlag("<addresses>", parseAllowIp, {
    group: VISITORS,
    help: "visitors that are let in: addresses and networks (10.0.0.0/8), with commas between",
    default: EVERYBODY,
    defaultText: "everybody",
    separator: ",",
  }),
  /** Requests in a time; null for what the server says. */
  rateLimit: rateFlag({
    group: VISITORS,
    help: "requests to this tunnel, such as 100/s, then 429",
    default: null,
    defaultText: "the server's",
  }),
  /** Requests and WebSockets at once; null for what the server says. */
  maxStreams: integerFlag({
    group: VISITORS,
    help: "requests and WebSockets at once, then 503",
    default: null,
    defaultText: "the server's",
    least: 1,
    most: 1_000_000,
  }),
  /** Bytes of a request's body; null for what the server says. */
  maxBody: sizeFlag({
    group: VISITORS,
    help: "the largest request body, such as 500kb, then 413",
    default: null,
    defaultText: "the server's",
    least: 1,
    most: MAX_LIMIT,
  }),
  /** Milliseconds to wait for an answer; null for what the server says. */
  timeout: durationFlag({
    group: VISITORS,
    help: "wait for the service to begin its answer, then 504",
    default: null,
    defaultText: "the server's",
  }),
};

/** An option that does not go with another one, and a sentence that continues its name. */
export interface VisitorConflict {
  readonly option: keyof typeof VISITOR_FLAGS;
  readonly problem: string;
}

/** Says what does not go together of what was said of visitors; `named` writes the name of another option. */
export function visitorConflict(
  rules: VisitorRules,
  named: (option: keyof typeof VISITOR_FLAGS) => string,
): VisitorConflict | null {
  if (rules.login && rules.basicAuth.length === 0) {
    const problem = `is a page for the users of ${named("basicAuth")}, and there are none`;
    return { option: "login", problem };
  }
  if (!isTooLong(rules)) return null;
  const problem = `is too long for a registration, together with ${named("allowIp")}`;
  return { option: "basicAuth", problem };
}

/** Puts together what the flags say of visitors. */
export function rulesOf(
  { basicAuth, login, allowIp, rateLimit, maxStreams, maxBody, timeout }: FlagValues<
    typeof VISITOR_FLAGS
  >,
): VisitorRules {
  const limits = { rate: rateLimit, streams: maxStreams, body: maxBody, timeout };
  return { basicAuth, login, allowIp, limits };
}

/** Puts together what a command line says of visitors. @throws {UsageError} for what does not go together. */
export function visitorRules(values: FlagValues<typeof VISITOR_FLAGS>): VisitorRules {
  const rules = rulesOf(values);
  const named = (option: string): string => `--${flagName(option)}`;
  const conflict = visitorConflict(rules, named);
  if (conflict === null) return rules;
  throw new UsageError(`${named(conflict.option)} ${conflict.problem}`);
}

function usersFlag(): Flag<readonly Login[]> {
  const flag = listFlag("<user:password>", parseBasicAuth, {
    group: VISITORS,
    help: "what visitors must present; better in the environment than here; may be repeated " +
      "(in the environment: a line for each)",
    default: NOBODY,
    defaultText: "nothing",
    // A password may have a comma, and no line end.
    separator: "\n",
    spell: spellBasicAuth,
  });
  return {
    ...flag,
    read: (texts) => checked(flag.read(texts)),
    accept: (value) => checked(value === null ? NOBODY : flag.accept(value)),
  };
}

/** Checks the users of all together. */
function checked(users: readonly Login[]): readonly Login[] {
  if (users.length > MAX_USERS) throw new SecretError(`must be at most ${MAX_USERS} users`);
  if (new Set(users.map(({ user }) => user)).size < users.length) {
    throw new SecretError("must have each user once");
  }
  return users;
}

/**
 * Reads `user:password`; the user has no colon (RFC 7617 section 2).
 *
 * @throws {SecretError} for there is a password in it.
 */
function parseBasicAuth(text: string): Login {
  const colon = text.indexOf(":");
  const user = text.slice(0, colon);
  if (colon < 1 || colon === text.length - 1) {
    throw new SecretError("must be a user, a colon and a password");
  }
  if (!isUser(user)) {
    const limit = `at most ${MAX_USER_LENGTH} bytes without control characters`;
    throw new SecretError(`must have a user of ${limit}`);
  }
  const password = text.slice(colon + 1);
  if (!isPassword(password)) {
    const limit = `at most ${MAX_PASSWORD_LENGTH} bytes without control characters`;
    throw new SecretError(`must have a password of ${limit}`);
  }
  return { user, password };
}

/** Writes a user and a password as the flag has them. @throws {SecretError} for what cannot be written so. */
function spellBasicAuth(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) {
    throw new SecretError("must have a user and a password");
  }
  const { user, password }: { readonly user?: unknown; readonly password?: unknown } = value;
  if (typeof user !== "string" || typeof password !== "string") {
    throw new SecretError("must have a user and a password");
  }
  // RFC 7617 section 2.
  if (user.includes(":")) throw new SecretError("must have a user without a colon");
  return `${user}:${password}`;
}

function parseAllowIp(text: string): readonly string[] {
  const networks = text.split(",").map((part) => part.trim());
  if (!networks.every(isNetwork)) {
    throw new RangeError("must be addresses and networks, with commas between");
  }
  if (networks.length > MAX_ALLOWED) {
    throw new RangeError(`must be at most ${MAX_ALLOWED} addresses and networks`);
  }
  return networks;
}
