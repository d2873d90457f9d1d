import type { SizedCall } from "../graph/touched_bytes.ts";
import { shareOfRoofline, type TimedWork } from "./limits_exceeded.ts";
import { type CallWork, type MachineLimits, rooflineSeconds, workOf } from "./roofline.ts";
import { formatTable } from "./table.ts";
import { formatDuration, formatShare, formatSi } from "./units.ts";

/** The work and time of all calls of one kernel with the same constants. */
export interface ProfileRow extends CallWork {
  readonly kernel: string;
  /** The kernel's constants by name: its shape. */
  readonly constants: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly seconds: number;
  /** `seconds` divided by the seconds of the whole profile. */
  readonly timeShare: number;
  /** The shortest time, in seconds, that the machine's limits allow. */
  readonly rooflineSeconds: number;
  /** `rooflineSeconds` divided by `seconds`; see {@linkcode shareOfRoofline}. */
  readonly rooflineShare?: number;
  /** The limit that determines the roofline. */
  readonly bound: "compute" | "memory";
}

/** A profile of one run of a program. */
export interface StepProfile {
  /** The slowest first. */
  readonly rows: readonly ProfileRow[];
  /** Of all calls. */
  readonly seconds: number;
  readonly flops: number;
  readonly rooflineSeconds: number;
}

/**
 * Sums up a program's calls by kernel and shape.
 *
 * @param seconds How long each call took.
 * @throws {RangeError} If the number of times is not the number of calls.
 */
export function profileOf(calls: readonly SizedCall[], seconds: ArrayLike<number>, limits: MachineLimits): StepProfile {
  if (seconds.length !== calls.length) {
    throw new RangeError(
      `Cannot make a profile: got ${seconds.length} times, must be ${calls.length}, one for each call`,
    );
  }
  const groups = new Map<string, { call: SizedCall; work: CallWork; indices: number[] }>();
  calls.forEach((call, i) => {
    // The same call on arrays of another type is a different call.
    const types = call.views.map(({ dtype }) => dtype).join(" ");
    const key = `${call.kernel.name} ${call.constants.join(" ")} ${types}`;
    const group = groups.get(key);
    if (group) group.indices.push(i);
    else groups.set(key, { call, work: workOf(call), indices: [i] });
  });
  const total = sumOf(Array.from(seconds));
  const rows = [...groups.values()].map(({ call, work, indices }): ProfileRow => {
    const taken = sumOf(indices.map((i) => seconds[i]));
    const flops = work.flops * indices.length;
    const bytes = work.bytes * indices.length;
    const best = rooflineSeconds({ ...work, flops, bytes }, limits);
    const names = Object.keys(call.kernel.constants);
    return {
      kernel: call.kernel.name,
      constants: Object.fromEntries(names.map((name, i) => [name, call.constants[i]])),
      calls: indices.length,
      flops,
      bytes,
      seconds: taken,
      timeShare: taken / total,
      rooflineSeconds: best,
      rooflineShare: shareOfRoofline({ ...work, seconds: taken / indices.length }, limits),
      bound: !work.isRounded && flops / limits.peak >= bytes / limits.bandwidth ? "compute" : "memory",
    };
  });
  rows.sort((a, b) => b.seconds - a.seconds);
  return {
    rows,
    seconds: total,
    flops: sumOf(rows.map((row) => row.flops)),
    rooflineSeconds: sumOf(rows.map((row) => row.rooflineSeconds)),
  };
}

/** `linear_forward rows=2048 I=128 O=344`. Leaves out constants that are 0 or not sizes. */
export function labelOf({ kernel, constants }: Pick<ProfileRow, "kernel" | "constants">): string {
  const parts = Object.entries(constants)
    .filter(([, value]) => Number.isInteger(value) && value !== 0)
    .map(([name, value]) => name.startsWith("accumulate") ? "+=" : `${name}=${value}`);
  return [kernel, ...new Set(parts)].join(" ");
}

/** One call per row, with the average time of its calls. */
export function timedCalls({ rows }: Pick<StepProfile, "rows">): TimedWork[] {
  return rows.map((row) => ({
    name: labelOf(row),
    flops: row.flops / row.calls,
    bytes: row.bytes / row.calls,
    seconds: row.seconds / row.calls,
  }));
}

/** The profile as a table of text: the headings, a row for each kernel and shape, and the whole step. */
export function profileTable({ rows, seconds, flops, rooflineSeconds }: StepProfile): string[][] {
  const header = ["kernel", "calls", "time", "of step", "FLOPs", "bytes", "FLOP/s", "bytes/s", "of roofline", "bound"];
  const cells = rows.map((row) => [
    labelOf(row),
    String(row.calls),
    formatDuration(row.seconds),
    formatShare(row.timeShare),
    formatSi(row.flops, "FLOP"),
    formatSi(row.bytes, "B"),
    formatSi(row.flops / row.seconds, "FLOP/s"),
    formatSi(row.bytes / row.seconds, "B/s"),
    formatShare(row.rooflineShare),
    row.bound,
  ]);
  const calls = String(sumOf(rows.map((row) => row.calls)));
  const bytes = sumOf(rows.map((row) => row.bytes));
  const whole = ["all", calls, formatDuration(seconds), "", formatSi(flops, "FLOP"), formatSi(bytes, "B")];
  const rates = [formatSi(flops / seconds, "FLOP/s"), formatSi(bytes / seconds, "B/s")];
  const isKnown = rows.every((row) => row.rooflineShare !== undefined);
  const share = formatShare(isKnown ? rooflineSeconds / seconds : undefined);
  return [header, ...cells, [...whole, ...rates, share, ""]];
}

/** The columns of `profileTable` that a narrow terminal can do without, the least important first. */
const DISPENSABLE = [5, 4, 7, 6, 1, 9];

/** What the shortest columns beside a kernel's label take: its time, its share of the step and of the roofline. */
const WIDTH_OF_OTHERS = 36;

/** A label is cut to no less than this. */
const LEAST_LABEL = 24;

/**
 * The profile as a table for a terminal.
 * @param columns How long a line may be: labels are cut, and columns left out, until it is. Any length by default.
 */
export function formatProfile(profile: StepProfile, columns = Infinity): string {
  const longest = Math.max(LEAST_LABEL, columns - WIDTH_OF_OTHERS);
  const table = profileTable(profile).map(([label, ...rest]) => [shortened(label, longest), ...rest]);
  const left: number[] = [];
  for (;;) {
    const kept = table[0].map((_, i) => i).filter((i) => !left.includes(i));
    const [header, ...rows] = table.map((row) => kept.map((i) => row[i]));
    const text = formatTable(header, rows, [kept.indexOf(9)]);
    const width = Math.max(...text.split("\n").map(({ length }) => length));
    if (width > columns && left.length < DISPENSABLE.length) left.push(DISPENSABLE[left.length]);
    else return left.length === 0 ? text : `${text}\n\n${leftOut(left.map((i) => table[0][i]))}`;
  }
}

function leftOut(names: readonly string[]): string {
  return `Not shown, for want of room: ${names.toReversed().join(", ")}`;
}

function shortened(label: string, longest: number): string {
  return label.length <= longest ? label : `${label.slice(0, longest - 1)}…`;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
