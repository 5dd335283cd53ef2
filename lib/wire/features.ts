import { MAX_FEATURE_LENGTH, MAX_FEATURES } from "./limits.ts";

/**
 * What a peer may have beyond the frames that every peer has, in the order of PROTOCOL.md.
 *
 * The challenge offers all of them and the claim repeats those that the client has too. A frame type or a flag of a
 * feature is sent only when both have it, so that old and new versions understand each other.
 */
export const FEATURES = ["notices", "clients", "reason-phrases", "trailers", "interim"] as const;

export type Feature = typeof FEATURES[number];

const NAME = /^[a-z0-9-]+$/;

/** Returns the features of a peer's list that this version has as well; undefined when it is not a list of names. */
export function decodeFeatures(list: unknown): readonly Feature[] | undefined {
  // A peer of the first version sends no list.
  if (list === undefined) return [];
  if (!Array.isArray(list) || list.length > MAX_FEATURES || !list.every(isName)) return undefined;
  return FEATURES.filter((feature) => list.includes(feature));
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value.length <= MAX_FEATURE_LENGTH && NAME.test(value);
}
