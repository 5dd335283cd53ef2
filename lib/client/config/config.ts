/** Texts for flags, by the flags' names. */
export type Settings = ReadonlyMap<string, readonly string[]>;

/** What a config file says of one tunnel. */
export interface TunnelSection {
  /** The word for its service, folders by their whole paths; null where routes are all of it. */
  readonly service: string | null;
  /** Flags of its own, with those of `defaults` under them. */
  readonly settings: Settings;
  /** Whether the inspector, where there is one, shows its requests. */
  readonly isInspected: boolean;
}

/** What a config file says; each text is one that its flag takes. */
export interface Config {
  /** The path of the file. */
  readonly path: string;
  /** Flags of the whole client. */
  readonly client: Settings;
  /** Flags of tunnels that are not in the file. */
  readonly defaults: Settings;
  /** The tunnels by their names in the file, in its order. */
  readonly tunnels: ReadonlyMap<string, TunnelSection>;
  /** Whether there is something in it that others should not read. */
  readonly hasSecrets: boolean;
}
