import type { Program } from "../../graph/program.ts";
import type { Executable } from "../backend.ts";
import { type Clock, timePasses } from "./clock.ts";
import type { Pace } from "./pace.ts";
import { type BoundSteps, type DeviceParts, encodeSteps, type Step } from "./steps.ts";

/** A program on the device: pipelines, bind groups and constants are made once; a run only encodes dispatches. */
export class WebGpuExecutable implements Executable {
  readonly program: Program;
  readonly bound: BoundSteps;
  readonly #parts: DeviceParts;
  readonly #pace: Pace;
  readonly #name: string;
  #isReleased = false;
  /** Absent where the device keeps no clock. */
  readonly profile?: () => Promise<Float64Array>;
  readonly time?: (repeats: number) => Promise<number>;

  constructor(parts: DeviceParts, pace: Pace, clock: Clock | undefined, program: Program, bound: BoundSteps) {
    this.#parts = parts;
    this.#pace = pace;
    this.#name = describe(program);
    this.program = program;
    this.bound = bound;
    if (clock === undefined) return;
    this.profile = () => this.#profile(clock);
    this.time = (repeats) => this.#time(clock, repeats);
  }

  // deno-lint-ignore require-await -- async, so that errors reject.
  async run(): Promise<void> {
    const { device, failures } = this.#parts;
    this.#requireMemory();
    failures.throwIfFailed();
    failures.watch(this.#name, () => {
      for (const steps of this.#pace.cut(this.bound.steps)) {
        const encoder = device.createCommandEncoder({ label: this.#name });
        const pass = encoder.beginComputePass({ label: this.#name });
        encodeSteps(pass, steps);
        pass.end();
        device.queue.submit([encoder.finish()]);
        this.#pace.submitted(steps);
      }
    });
  }

  /** Frees what only this program has on the device; it refuses to run from then on. */
  release(): void {
    this.#isReleased = true;
    this.bound.params.destroy();
  }

  #requireMemory(): void {
    if (this.#isReleased) {
      throw new Error("Cannot run a program: a storage that it uses was released; load it again");
    }
  }

  async #profile(clock: Clock): Promise<Float64Array> {
    const seconds = new Float64Array(this.program.calls.length);
    const times = await this.#timePasses(clock, this.bound.steps.map((step) => [step]));
    this.bound.steps.forEach(({ call }, i) => seconds[call] += times[i]);
    return seconds;
  }

  async #time(clock: Clock, repeats: number): Promise<number> {
    const steps = Array.from({ length: repeats }, () => this.bound.steps).flat();
    // As few passes as the device allows: beginning and ending one takes time too.
    const times = await this.#timePasses(clock, [...this.#pace.cut(steps)]);
    return times.reduce((sum, seconds) => sum + seconds, 0);
  }

  async #timePasses(clock: Clock, passes: readonly (readonly Step[])[]): Promise<number[]> {
    const { failures } = this.#parts;
    this.#requireMemory();
    await failures.settle();
    const times = await timePasses(this.#parts, clock, this.#name, passes);
    await failures.settle();
    return times;
  }
}

function describe({ calls }: Program): string {
  const [first, last] = [calls[0]?.kernel.name, calls.at(-1)?.kernel.name];
  return calls.length < 2 ? `the program ${first ?? "of no calls"}` : `the program ${first} … ${last}`;
}
