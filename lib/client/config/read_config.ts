import { dirname, isAbsolute, join } from "node:path";
import { type Flag, SecretError, withJoint } from "../../cli/flags.ts";
import { didYouMean } from "../../cli/did_you_mean.ts";
import { ProgramError } from "../../cli/program.ts";
import { quoted, quotedOpenly } from "../../cli/safe_text.ts";
import { isLabel } from "../../identity/claim.ts";
import { parseService } from "../services/service_spec.ts";
import type { Config, Settings, TunnelSection } from "./config.ts";
import { CONFIG_MEMBERS, type MemberScope, SECRET_MEMBERS } from "./config_members.ts";
import { isMapping, YAMLError, YAMLText } from "./yaml_text.ts";

/** Tunnels of one file: each has connections of its own. */
const MAX_TUNNELS = 100;

/**
 * Reads the text of a config file, all of it: also what this call of the program does not need must be right.
 *
 * @throws {ProgramError} with status 2 for the first mistake: its place, and what was probably meant.
 */
export function readConfig(path: string, text: string): Config {
  try {
    return new ConfigReader(path, new YAMLText(text)).read();
  } catch (cause) {
    if (!(cause instanceof YAMLError)) throw cause;
    const { place: { line, column }, message } = cause;
    throw new ProgramError(`${path}:${line}:${column}: ${message}`, 2, { cause });
  }
}

/** The path of a member, by names. */
type MemberPath = readonly string[];

/** A part of a file, and what may stand in it beside flags. */
interface Part {
  readonly path: MemberPath;
  readonly scopes: readonly MemberScope[];
  readonly others: readonly string[];
}

const TOP: Part = { path: [], scopes: ["client"], others: ["defaults", "tunnels"] };
const DEFAULTS: Part = { path: ["defaults"], scopes: ["tunnels"], others: [] };

class ConfigReader {
  readonly #path: string;
  readonly #yaml: YAMLText;
  #hasSecrets = false;

  constructor(path: string, yaml: YAMLText) {
    this.#path = path;
    this.#yaml = yaml;
  }

  read(): Config {
    const { root } = this.#yaml;
    // A file of comments alone is null.
    const top = root ?? {};
    if (!isMapping(top)) {
      throw this.#wrong(
        [],
        "a config file has settings, such as server: https://tunnel.example.com",
      );
    }
    const client = this.#settings(top, TOP);
    const defaults = this.#settings(this.#group(top, DEFAULTS.path), DEFAULTS);
    const tunnels = this.#tunnels(this.#group(top, ["tunnels"]), defaults);
    return { path: this.#path, client, defaults, tunnels, hasSecrets: this.#hasSecrets };
  }

  /** Returns the group of settings at a path of one name; an empty one where there is none. */
  #group(
    top: Readonly<Record<string, unknown>>,
    path: MemberPath,
  ): Readonly<Record<string, unknown>> {
    const [name = ""] = path;
    const value = Object.hasOwn(top, name) ? top[name] : {};
    if (isMapping(value)) return value;
    throw this.#wrong(
      path,
      `${name} must have settings below it, each in a line with more blanks before it`,
    );
  }

  #tunnels(
    group: Readonly<Record<string, unknown>>,
    defaults: Settings,
  ): ReadonlyMap<string, TunnelSection> {
    const entries = Object.entries(group);
    if (entries.length > MAX_TUNNELS) {
      throw this.#wrong(["tunnels"], `there are more than ${MAX_TUNNELS} tunnels`);
    }
    return new Map(entries.map(([name, value]) => [name, this.#tunnel(name, value, defaults)]));
  }

  #tunnel(name: string, value: unknown, defaults: Settings): TunnelSection {
    const path = ["tunnels", name];
    if (!isLabel(name)) {
      const rule = "at most 63 lower-case letters, digits and hyphens, no hyphen at an end";
      throw this.#wrong(path, `the name of a tunnel must be ${rule}, not ${quoted(name)}`);
    }
    // The short form, web: 3000.
    const group = typeof value === "string" ? { service: value } : value;
    if (!isMapping(group)) {
      throw this.#wrong(path, `the tunnel ${name} needs a service: ${name}: 3000, for a port`);
    }
    const part: Part = { path, scopes: ["tunnels", "tunnel"], others: OF_TUNNELS };
    const own = this.#settings(group, part);
    const service = this.#service(group, path);
    const settings = new Map([...defaults, ...own]);
    if (service === null && !settings.has("route")) {
      throw this.#wrong(
        path,
        `the tunnel ${name} has no service: write one, such as service: 3000`,
      );
    }
    return { service, settings, isInspected: this.#isInspected(group, path) };
  }

  #service(group: Readonly<Record<string, unknown>>, parent: MemberPath): string | null {
    const path = [...parent, "service"];
    const text = this.#text(group, path);
    if (text === null) return null;
    try {
      return wholeService(text, dirname(this.#path));
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw this.#wrong(path, `service ${cause.message}, not ${quoted(text)}`, cause);
    }
  }

  #isInspected(group: Readonly<Record<string, unknown>>, parent: MemberPath): boolean {
    const path = [...parent, "inspect"];
    const text = this.#text(group, path) ?? "on";
    if (text === "on" || text === "true") return true;
    if (text === "off" || text === "false") return false;
    const where = "where the inspector listens stands at the top of the file";
    throw this.#wrong(path, `inspect must be on or off in a tunnel, not ${quoted(text)}: ${where}`);
  }

  /** Returns the one text of a member; null where it is not there. */
  #text(group: Readonly<Record<string, unknown>>, path: MemberPath): string | null {
    const name = path.at(-1) ?? "";
    if (!Object.hasOwn(group, name)) return null;
    const [text = ""] = this.#texts(group[name], path, false);
    return text;
  }

  /** Reads the flags in a part, and refuses what does not belong there. */
  #settings(group: Readonly<Record<string, unknown>>, part: Part): Settings {
    const settings = new Map<string, readonly string[]>();
    for (const [name, value] of Object.entries(group)) {
      if (part.others.includes(name)) continue;
      const path = [...part.path, name];
      const member = CONFIG_MEMBERS.get(name);
      if (member === undefined || !part.scopes.includes(member.scope)) {
        throw this.#wrong(path, elsewhere(name, member?.scope, part));
      }
      settings.set(name, this.#flagTexts(member.flag, value, path));
      if (SECRET_MEMBERS.includes(name)) this.#hasSecrets = true;
    }
    return settings;
  }

  #flagTexts(flag: Flag<unknown>, value: unknown, path: MemberPath): readonly string[] {
    const name = path.at(-1) ?? "";
    const isList = flag.kind === "list" || flag.separator !== "";
    const given = this.#texts(
      flag.joint === "" ? value : withJoint(value, flag.joint),
      path,
      isList,
    );
    // The label of the key's first address is empty, which no flag needs to say.
    if (name === "label" && given[0] === "") return given;
    // Each by itself, so that a message shows the wrong one alone.
    for (const text of given) this.#readFlag(flag, [text], path);
    const whole = given.map((text) => this.#whole(flag, text, name));
    const texts = flag.kind === "list" ? whole : [whole.join(flag.separator)];
    this.#readFlag(flag, texts, path);
    return texts;
  }

  #readFlag(flag: Flag<unknown>, texts: readonly string[], path: MemberPath): void {
    try {
      flag.read(texts);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const isSecret = cause instanceof SecretError;
      const seen = isSecret ? "" : `, not ${texts.map(quotedOpenly).join(", ")}`;
      throw this.#wrong(path, `${path.at(-1)} ${cause.message}${seen}`, cause);
    }
  }

  /** Writes a text with whole paths: those of a file are taken from its folder on, wherever the client is started. */
  #whole(flag: Flag<unknown>, text: string, name: string): string {
    const folder = dirname(this.#path);
    if (name === "route") return wholeRoute(text, folder);
    return flag.placeholder === "<file>" && !isAbsolute(text) ? join(folder, text) : text;
  }

  /** Returns the texts of a value: a lone one, or those of a list. */
  #texts(value: unknown, path: MemberPath, isList: boolean): readonly string[] {
    const name = path.at(-1) ?? "";
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (Array.isArray(value) && !isList) {
      throw this.#wrong(path, `${name} must be one value, not a list`);
    }
    if (values.length === 0) throw this.#wrong(path, `${name} must have one value or more`);
    return values.map((member) => {
      if (typeof member === "string" && !NOTHING.has(member)) return member;
      if (member === null || typeof member === "string") {
        throw this.#wrong(path, `${name} has no value: write one, or take the line out`);
      }
      throw this.#wrong(path, `${name} must be a value, with nothing below it`);
    });
  }

  #wrong(path: MemberPath, sentence: string, cause?: unknown): ProgramError {
    const { line, column } = this.#yaml.placeOf(path);
    return new ProgramError(`${this.#path}:${line}:${column}: ${sentence}`, 2, { cause });
  }
}

const OF_TUNNELS = ["service", "inspect"];

/** How YAML and JSON write that there is nothing. */
const NOTHING: ReadonlySet<string> = new Set(["~", "null"]);

/** Says what is to be done with a setting that has no place where it stands. */
function elsewhere(name: string, scope: MemberScope | undefined, part: Part): string {
  const isTop = part.path.length === 0;
  switch (scope) {
    case "client":
      return `${name} is of the whole client: it belongs at the top of the file`;
    case "tunnels":
      return `${name} is of a tunnel: it belongs into one of tunnels, or into defaults for all of them`;
    case "tunnel":
      return `${name} is of one tunnel: it belongs into one of tunnels`;
    case "service":
      return `a file has no ${name}: a tunnel has service: host:3000`;
    case "call":
      return `a file has no ${name}: give --${name} where it is needed`;
  }
  if (isTop ? OF_TUNNELS.includes(name) : TOP.others.includes(name)) {
    return isTop
      ? `${name} is of one tunnel: it belongs into one of tunnels`
      : `${name} belongs at the top of the file`;
  }
  const known = [...CONFIG_MEMBERS].filter(([, member]) => part.scopes.includes(member.scope))
    .map(([known]) => known);
  const meant = didYouMean(name.replaceAll("_", "-"), [...known, ...part.others]);
  return `there is no setting ${quoted(name)} here${meant}`;
}

/** Writes a route as `wholeService` writes its service. */
function wholeRoute(text: string, folder: string): string {
  const equals = text.indexOf("=");
  return `${text.slice(0, equals)}=${wholeService(text.slice(equals + 1), folder)}`;
}

/** Writes the word for a service with the whole path of a folder or a socket. */
function wholeService(text: string, folder: string): string {
  const spec = parseService(text);
  if (spec.kind === "folder" && !isAbsolute(spec.path)) return join(folder, spec.path);
  if (spec.kind === "unix" && !isAbsolute(spec.path)) return `unix:${join(folder, spec.path)}`;
  return text;
}
