/** Tells whether a value is an object with members of its own. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns a member that is a text; null for another one, and for none. */
export function textOf(
  json: Readonly<Record<string, unknown>> | undefined,
  member: string,
): string | null {
  const value = json?.[member];
  return typeof value === "string" ? value : null;
}

/** Returns a member that is a list of texts; empty for another one, and for none. */
export function textsOf(
  json: Readonly<Record<string, unknown>> | undefined,
  member: string,
): readonly string[] {
  const value = json?.[member];
  return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
}

/** What an authority wants to see before it believes that a name is the account's (RFC 8555 section 8). */
export interface ChallengeOffer {
  readonly type: string;
  readonly url: string;
  readonly token: string;
}

/** A token is part of a file's name, a path or a program's argument: its alphabet is base64url's (RFC 8555 section 8.3). */
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;

/** Finds the challenge of that kind in an authorization; null when there is none. */
export function challengeOf(
  authorization: Readonly<Record<string, unknown>> | undefined,
  type: string,
): ChallengeOffer | null {
  const challenges = authorization?.["challenges"];
  for (const challenge of Array.isArray(challenges) ? challenges : []) {
    if (!isRecord(challenge) || challenge["type"] !== type) continue;
    const [url, token] = [textOf(challenge, "url"), textOf(challenge, "token")];
    if (url !== null && token !== null && TOKEN.test(token)) return { type, url, token };
  }
  return null;
}

/** Returns the problem of the challenge that has failed; undefined when none has. */
export function failureOf(
  authorization: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const challenges = authorization?.["challenges"];
  for (const challenge of Array.isArray(challenges) ? challenges : []) {
    if (isRecord(challenge) && isRecord(challenge["error"])) return challenge["error"];
  }
  return undefined;
}
