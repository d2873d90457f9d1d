import type { ProgramCall } from "../../graph/program.ts";
import { touchedBytes } from "../../graph/touched_bytes.ts";
import { BYTES_PER_ELEMENT, type View } from "../../graph/tensor.ts";

/** How the workers make one call. */
export interface Step {
  /** They must all have ended the calls before. */
  readonly meet: boolean;
  /** One worker makes the call by itself: sharing it out would cost more than it saves. */
  readonly alone: boolean;
}

/** A call that touches fewer bytes is made by one worker: about as many as can be moved while two workers meet. */
const ALONE_BYTES = 16 << 10;

/** Calls made since the workers last met, by all or by one alone. */
interface Pending {
  readonly call: ProgramCall;
  readonly alone: boolean;
}

/**
 * Decides where workers must meet: before a call that reads what another wrote since they last met, or writes what
 * another read or wrote, unless both calls are made by one worker alone, who makes all such calls in order anyway.
 */
export function schedule(calls: readonly ProgramCall[]): Step[] {
  let pending: Pending[] = [];
  return calls.map((call) => {
    const alone = touchedBytes(call) < ALONE_BYTES;
    const meet = pending.some((earlier) => !(alone && earlier.alone) && conflict(earlier.call, call));
    if (meet) pending = [];
    pending.push({ call, alone });
    return { meet, alone };
  });
}

/** Whether either call writes (or adds to) memory that the other touches. */
function conflict(a: ProgramCall, b: ProgramCall): boolean {
  return outputsOf(a).some((output) => b.views.some((view) => overlap(output, view))) ||
    outputsOf(b).some((output) => a.views.some((view) => overlap(output, view)));
}

function outputsOf({ kernel, views }: ProgramCall): readonly View[] {
  return views.slice(kernel.inputs.length);
}

function overlap(a: View, b: View): boolean {
  return a.storage === b.storage && a.byteOffset < b.byteOffset + b.size * BYTES_PER_ELEMENT &&
    b.byteOffset < a.byteOffset + a.size * BYTES_PER_ELEMENT;
}
