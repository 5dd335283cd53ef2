import type { Program } from "./program.ts";
import { RawHTTP, type WholeResponse } from "./raw_http.ts";

/** One line of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A metric with its samples, as Prometheus reads it. */
export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

/** What a server counts, looked at once. */
export class Scrape {
  readonly #families: ReadonlyMap<string, MetricFamily>;

  constructor(families: ReadonlyMap<string, MetricFamily>) {
    this.#families = families;
  }

  get families(): ReadonlyMap<string, MetricFamily> {
    return this.#families;
  }

  /** Returns the value of one sample; 0 when there is none with these labels. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels);
    for (const family of this.#families.values()) {
      for (const sample of family.samples) {
        const fits = sample.name === name && sample.labels.size === wanted.length &&
          wanted.every(([label, value]) => sample.labels.get(label) === value);
        if (fits) return sample.value;
      }
    }
    return 0;
  }
}

/** Reads what a server counts. @throws {SyntaxError} where it is not Prometheus' text. */
export async function scrape(server: Program): Promise<Scrape> {
  return new Scrape(parsePrometheus((await ownPage(server, "/metrics")).text));
}

/** Asks a server for a page of its own host. */
export async function ownPage(server: Program, path: string): Promise<WholeResponse> {
  using visitor = await RawHTTP.open(Number(server.url.port));
  return await visitor.exchange(`GET ${path} HTTP/1.1\r\nHost: ${server.url.host}\r\n\r\n`);
}

/**
 * Parses Prometheus' text format 0.0.4, strictly: each metric has its HELP and TYPE in front of its samples,
 * all in one place.
 *
 * @throws {SyntaxError} at the first line that is wrong.
 */
export function parsePrometheus(text: string): ReadonlyMap<string, MetricFamily> {
  if (!text.endsWith("\n")) throw new SyntaxError("the last line does not end");
  const families = new Map<string, MetricFamily>();
  const seen = new Set<string>();
  let help: RegExpExecArray | null = null;
  let name = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const nextHelp = HELP.exec(line);
    const type = TYPE.exec(line);
    if (nextHelp !== null) help = nextHelp;
    else if (type !== null) {
      name = type[1] ?? "";
      if (help?.[1] !== name || families.has(name)) throw new SyntaxError(`out of place: ${line}`);
      families.set(name, { type: type[2] ?? "", help: help[2] ?? "", samples: [] });
    } else {
      const sample = parseSample(line);
      const family = families.get(name);
      const suffix = sample.name.startsWith(name) ? sample.name.slice(name.length) : "no";
      const fits = suffix === "" ? family?.type !== "histogram" : family?.type === "histogram" &&
        SUFFIXES.includes(suffix);
      if (family === undefined || !fits) throw new SyntaxError(`of no metric: ${line}`);
      const key = line.slice(0, line.lastIndexOf(" "));
      if (seen.has(key)) throw new SyntaxError(`twice: ${line}`);
      seen.add(key);
      family.samples.push(sample);
    }
  }
  return families;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/;

/** What the samples of a histogram have behind its name. */
const SUFFIXES = ["_bucket", "_sum", "_count"];

function parseSample(line: string): Sample {
  const [, name, labelText = "", number = ""] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new SyntaxError(`not a sample: ${line}`);
  const value = number === "+Inf" ? Infinity : Number(number);
  if (Number.isNaN(value)) throw new SyntaxError(`not a number: ${line}`);
  const labels = new Map<string, string>();
  for (let rest = labelText; rest !== "";) {
    const [all, label, text] = LABEL.exec(rest) ?? [];
    if (all === undefined || label === undefined || labels.has(label)) {
      throw new SyntaxError(`not labels: ${line}`);
    }
    labels.set(label, text ?? "");
    rest = rest.slice(all.length);
  }
  return { name, labels, value };
}
