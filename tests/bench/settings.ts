/** Connections that small answers are asked for over. */
export const CONNECTIONS: readonly number[] = [1, 32, 256];

/** Bytes of an answer that takes more than one read and fits a few frames, and the connections it is asked for over. */
export const MIDDLE = 100_000;
export const MIDDLE_CONNECTIONS = 32;

/** Times `--seconds` that one long body may take. */
export const TRANSFER_FACTOR = 4;
