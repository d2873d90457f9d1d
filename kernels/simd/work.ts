// How a kernel's work is divided. Each worker has a share of the units, U / W of them in a row, and takes it in pieces.
// A worker that is done takes pieces of the others' shares: one whose core is slower, or busy with another program, then
// holds nobody up. Who computes a unit never changes how it is computed, so results have the same bits for any number of
// workers, whoever is faster.

import { complete, noteComputed } from "./completion";

/** This worker's number, and how many there are. */
let worker: u32 = 0;
let workers: u32 = 1;

/** Bytes from one worker's counter to the next's: a cache line. Known to lib/backend/wasm/layout.ts as well. */
const COUNTER_BYTES: usize = 64;

/**
 * The call's counters: a line of completion.ts, then for each worker how many units of its share are taken.
 * 0: all units are this worker's.
 */
let counters: usize = 0;
let units: u32 = 0;
let piece: u32 = 0;
/** Units claimed, and not yet noted as computed. */
let claimed: u32 = 0;
/** Whose share is being taken, and how many shares are left to look at. */
let owner: u32 = 0;
let owners: u32 = 0;

/** The units last claimed: from `firstUnit` up to, and without, `endUnit`. */
export let firstUnit: u32 = 0;
export let endUnit: u32 = 0;

/** Called once by each worker before any kernel. */
export function set_worker(number: u32, count: u32): void {
  worker = number;
  workers = count;
}

/** How many workers there are. */
export function workerCount(): u32 {
  return workers;
}

/** The start of part `part` when `count` units are cut into `parts` nearly equal ones. @inline */
export function share(count: u32, part: u32, parts: u32): u32 {
  return ((count as u64) * (part as u64) / (parts as u64)) as u32;
}

/**
 * Begins a call: `count` units are to be claimed.
 * @param work What the kernel was given: the address of the call's counters, all 0 when the first worker comes; or 0.
 * @param least Units of a piece at least: too small ones cost more to claim than to compute.
 */
export function divide(work: usize, count: u32, least: u32): void {
  counters = work;
  units = count;
  piece = max(least, (count + 4 * workers - 1) / (4 * workers));
  owner = worker;
  owners = work === 0 ? 1 : workers;
  claimed = 0;
  if (work !== 0 && count === 0) complete(work);
}

/** Claims the next piece; false when there is none left. What was claimed before counts as computed. */
export function claim(): bool {
  if (counters === 0) {
    firstUnit = 0;
    endUnit = owners === 0 ? 0 : units;
    owners = 0;
    return endUnit > 0;
  }
  if (claimed > 0) {
    noteComputed(counters, claimed, units);
    claimed = 0;
  }
  while (owners > 0) {
    const begin = share(units, owner, workers);
    const end = share(units, owner + 1, workers);
    const counter = counters + (owner + 1) * COUNTER_BYTES;
    // Looked at before it is raised, so that it cannot run over however often it is tried.
    if (begin + atomic.load<u32>(counter) < end) {
      firstUnit = begin + atomic.add<u32>(counter, piece);
      if (firstUnit < end) {
        endUnit = min(firstUnit + piece, end);
        claimed = endUnit - firstUnit;
        return true;
      }
    }
    owners--;
    owner = owner + 1 === workers ? 0 : owner + 1;
  }
  return false;
}

/** The same for workers that compute in machine code: the first unit last claimed. */
export function first_unit(): u32 {
  return firstUnit;
}

/** One past the last of them. */
export function end_unit(): u32 {
  return endUnit;
}

/** Elements of one unit of elementwise work: a cache line of f32, so that no two workers write to the same line. */
export const LINE: u32 = 16;

/** Lines of a piece at least: some microseconds of work. */
const LEAST_LINES: u32 = 256;

/** Begins a call on n elements, the units being cache lines. */
export function divideElements(work: usize, n: u32): void {
  divide(work, (n + LINE - 1) / LINE, LEAST_LINES);
}

/** Begins a call on rows of D elements, the units being rows. */
export function divideRows(work: usize, rows: u32, D: u32): void {
  divide(work, rows, max<u32>(1, LEAST_LINES * LINE / D));
}

/** The first element of the lines last claimed. @inline */
export function firstElement(): u32 {
  return firstUnit * LINE;
}

/** One past the last element of the lines last claimed, of n. @inline */
export function endElement(n: u32): u32 {
  return min(endUnit * LINE, n);
}
