/** Counts what only grows. */
export class Counter {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }
}

/** Asks for what goes up and down when it is looked at. */
class Gauge {
  readonly #read: () => number;

  constructor(read: () => number) {
    this.#read = read;
  }

  /** The present value; NaN when it could not be had, since one broken gauge must not hide the others. */
  get value(): number {
    try {
      return this.#read();
    } catch {
      return NaN;
    }
  }
}

/** Sorts observations into fixed buckets, each holding those up to its bound. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many fell into each bucket alone, and behind the last bound at the end. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    for (const bound of this.bounds) {
      if (value <= bound) break;
      bucket++;
    }
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}

/** Holds one metric for each set of label values: ask once, keep the result, count on that. */
export class Family<Metric> {
  readonly #labelNames: readonly string[];
  readonly #make: () => Metric;
  readonly #children = new Map<string, Child<Metric>>();

  constructor(labelNames: readonly string[], make: () => Metric) {
    this.#labelNames = labelNames;
    this.#make = make;
  }

  /**
   * Returns the metric of these label values. Behind the bound every new set is counted under "other".
   *
   * @throws {RangeError} when there are not as many values as label names.
   */
  labels(...values: readonly string[]): Metric {
    if (values.length !== this.#labelNames.length) {
      throw new RangeError(
        `the metric has the labels ${this.#labelNames.join(", ")}: got ${values.length} values`,
      );
    }
    const known = this.#children.get(JSON.stringify(values));
    if (known !== undefined) return known.metric;
    if (this.#children.size < MAX_CHILDREN) return this.#add(values);

    const other = this.#labelNames.map(() => "other");
    return this.#children.get(JSON.stringify(other))?.metric ?? this.#add(other);
  }

  children(): Iterable<Child<Metric>> {
    return this.#children.values();
  }

  #add(values: readonly string[]): Metric {
    const child = { labels: labelPairs(this.#labelNames, values), metric: this.#make() };
    this.#children.set(JSON.stringify(values), child);
    return child.metric;
  }
}

/** Keeps the process's metrics and shows them in Prometheus' text format 0.0.4. */
export class Metrics {
  static readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #writers = new Map<string, () => string>();

  counter(name: string, help: string): Counter;
  counter(name: string, help: string, labelNames: readonly string[]): Family<Counter>;
  counter(
    name: string,
    help: string,
    labelNames: readonly string[] = [],
  ): Counter | Family<Counter> {
    const family = new Family(labelNames, () => new Counter());
    this.#add(name, help, "counter", labelNames, family, sample);
    return labelNames.length === 0 ? family.labels() : family;
  }

  /** Adds a gauge that `read` tells at each scrape. */
  gauge(name: string, help: string, read: () => number): void {
    const family = new Family([], () => new Gauge(read));
    this.#add(name, help, "gauge", [], family, sample);
    family.labels();
  }

  /** Adds what `read` tells at each scrape: values by the values of their labels, which it bounds in number. */
  computed(
    { name, type, labelNames }: ComputedMetric,
    help: string,
    read: () => Iterable<readonly [labels: readonly string[], value: number]>,
  ): void {
    this.#addWriter(name, labelNames, () => {
      let text = headOf(name, help, type);
      for (const [values, value] of read()) {
        text += sample(name, labelPairs(labelNames, values), { value });
      }
      return text;
    });
  }

  /** Adds a histogram with these upper bounds, in the metric's unit and rising. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labelNames: readonly string[],
  ): Family<Histogram>;
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labelNames: readonly string[] = [],
  ): Histogram | Family<Histogram> {
    if (
      !bounds.every((bound, i) => Number.isFinite(bound) && bound > (bounds[i - 1] ?? -Infinity))
    ) {
      throw new RangeError(`the bounds of ${name} must be finite and rise: ${bounds.join(", ")}`);
    }
    const family = new Family(labelNames, () => new Histogram(bounds));
    this.#add(name, help, "histogram", labelNames, family, buckets);
    return labelNames.length === 0 ? family.labels() : family;
  }

  /** Returns every metric in the order in which they were added. */
  render(): string {
    let text = "";
    for (const write of this.#writers.values()) text += write();
    return text;
  }

  #add<Metric>(
    name: string,
    help: string,
    type: string,
    labelNames: readonly string[],
    family: Family<Metric>,
    lines: (name: string, labels: string, metric: Metric) => string,
  ): void {
    this.#addWriter(name, labelNames, () => {
      let text = headOf(name, help, type);
      for (const child of family.children()) text += lines(name, child.labels, child.metric);
      return text;
    });
  }

  #addWriter(name: string, labelNames: readonly string[], write: () => string): void {
    if (!METRIC_NAME.test(name)) throw new RangeError(`not a metric's name: ${name}`);
    for (const label of labelNames) {
      // `le` belongs to the buckets, and two underscores to Prometheus itself.
      if (!LABEL_NAME.test(label) || label === "le" || label.startsWith("__")) {
        throw new RangeError(`not a label's name: ${label}`);
      }
    }
    if (this.#writers.has(name)) throw new RangeError(`the metric ${name} is there already`);
    this.#writers.set(name, write);
  }
}

/** A metric whose values are not kept. */
export interface ComputedMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly labelNames: readonly string[];
}

function headOf(name: string, help: string, type: string): string {
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
}

function labelPairs(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escapeLabel(values[i] ?? "")}"`).join(",");
}

interface Child<Metric> {
  /** The label pairs as they stand in the text, without braces. */
  readonly labels: string;
  readonly metric: Metric;
}

/**
 * Sets of label values for one metric: more than all status codes or error codes in use, while a label that a
 * visitor could choose cannot fill the memory.
 */
const MAX_CHILDREN = 100;

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function sample(name: string, labels: string, metric: { readonly value: number }): string {
  return `${name}${braced(labels)} ${numberText(metric.value)}\n`;
}

/** Writes the buckets as Prometheus wants them: each counts what the smaller ones hold as well. */
function buckets(name: string, labels: string, histogram: Histogram): string {
  const prefix = labels === "" ? "" : `${labels},`;
  let text = "";
  let total = 0;
  for (const [i, count] of histogram.counts.entries()) {
    total += count;
    const bound = numberText(histogram.bounds[i] ?? Infinity);
    text += `${name}_bucket{${prefix}le="${bound}"} ${total}\n`;
  }
  return `${text}${name}_sum${braced(labels)} ${numberText(histogram.sum)}\n` +
    `${name}_count${braced(labels)} ${total}\n`;
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
