// A stand-in for the part of jsr:@std/testing/time that this project uses. Same names, same signatures, same results.

/** Thrown when time is faked twice, or restored twice. */
export class TimeError extends Error {
  override name = "TimeError";
}

interface Timer {
  readonly callback: () => void;
  readonly delay: number;
  readonly due: number;
  readonly isRepeated: boolean;
}

const real = {
  Date,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
};
const realAbortAfter = AbortSignal.timeout;

let current: FakeTime | undefined;

/** `Date`, timers and `AbortSignal.timeout` by a clock that only moves when it is told to. Not `performance.now`. */
export class FakeTime implements Disposable {
  /** When it began, in milliseconds. */
  readonly start: number;
  #now: number;
  #lastId = 0;
  /** By id; of those due at once, the one that was set first stands first. */
  readonly #timers = new Map<number, Timer>();

  /** @param start Milliseconds, a date, or its text. Default: the real time. */
  constructor(start?: number | string | Date | null) {
    if (current) throw new TimeError("Cannot construct FakeTime: time is already faked");
    this.start = typeof start === "number" ? Math.floor(start) : new real.Date(start ?? real.Date.now()).valueOf();
    if (Number.isNaN(this.start)) throw new TypeError(`Cannot construct FakeTime: invalid start time ${this.start}`);
    this.#now = this.start;
    const clear = (id?: unknown) => void (typeof id === "number" && this.#timers.delete(id));
    Object.assign(globalThis, {
      Date: this.#fakeDate(),
      setTimeout: (...args: TimerArguments) => this.#set(args, false),
      clearTimeout: clear,
      setInterval: (...args: TimerArguments) => this.#set(args, true),
      clearInterval: clear,
    });
    AbortSignal.timeout = (delay) => {
      const controller = new AbortController();
      this.#set([() => controller.abort(new DOMException("Signal timed out.", "TimeoutError")), delay], false);
      return controller.signal;
    };
    current = this;
  }

  /** Milliseconds. What is set may not lie in the past; the timers due until then are called. */
  get now(): number {
    return this.#now;
  }

  set now(value: number) {
    if (value < this.#now) {
      throw new RangeError(
        `Cannot set current time in the past, time must be >= ${this.#now}: received ${value}`,
      );
    }
    for (let next = this.#next(); next && next[1].due <= value; next = this.#next()) {
      const [id, timer] = next;
      this.#now = timer.due;
      this.#timers.delete(id);
      if (timer.isRepeated) this.#timers.set(id, { ...timer, due: timer.due + timer.delay });
      timer.callback();
    }
    this.#now = value;
  }

  /** Lets so many milliseconds pass. */
  tick(ms = 0): void {
    this.now += ms;
  }

  /** The same, once what is waiting for promises has gone on. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.now += ms;
  }

  /** Goes to where the next timer is due; whether there was one. */
  next(): boolean {
    const next = this.#next();
    if (next) this.now = next[1].due;
    return next !== undefined;
  }

  /** Lets what is waiting for promises go on. */
  async runMicrotasks(): Promise<void> {
    await new Promise((resolve) => real.setTimeout.call(globalThis, resolve, 0));
  }

  /** Puts the real time back. */
  restore(): void {
    if (current === undefined) throw new TimeError("Cannot restore time: time is already restored");
    current = undefined;
    Object.assign(globalThis, real);
    AbortSignal.timeout = realAbortAfter;
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #fakeDate(): DateConstructor {
    const now = () => this.#now;
    return new Proxy(real.Date, {
      construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
      apply: () => new real.Date(now()).toString(),
      get: (target, name, self) => name === "now" ? now : Reflect.get(target, name, self),
    });
  }

  #set([callback, delay = 0, ...args]: TimerArguments, isRepeated: boolean): number {
    const id = ++this.#lastId;
    const wait = Math.max(isRepeated ? 1 : 0, Math.floor(delay));
    this.#timers.set(id, { callback: () => callback(...args), delay: wait, due: this.#now + wait, isRepeated });
    return id;
  }

  #next(): [id: number, timer: Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) if (first === undefined || entry[1].due < first[1].due) first = entry;
    return first;
  }
}

type TimerArguments = [callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]];
