// A stand-in for the part of jsr:@std/testing/mock that this project uses. Same names, same signatures, same results.
import { AssertionError } from "../assert/mod.ts";

/** Thrown when a method cannot be spied on or restored. */
export class MockError extends Error {
  override name = "MockError";
}

/** What a spy knows of one call. */
export interface SpyCall<Self = unknown, Args extends unknown[] = unknown[], Return = unknown> {
  args: Args;
  returned?: Return;
  /** What it threw. */
  error?: Error;
  /** What it was called on. */
  self?: Self;
}

/** A function that keeps note of its calls. */
export interface Spy<Self = unknown, Args extends unknown[] = unknown[], Return = unknown> {
  (this: Self, ...args: Args): Return;
  original: (this: Self, ...args: Args) => Return;
  /** The calls that have ended, in that order. */
  calls: SpyCall<Self, Args, Return>[];
  /** Whether the method is the original one again. */
  restored: boolean;
  /** Puts the original method back. */
  restore(): void;
}

/** A spy in a method's place, until it is restored or goes out of `using`. */
export interface MethodSpy<Self = unknown, Args extends unknown[] = unknown[], Return = unknown>
  extends Spy<Self, Args, Return>, Disposable {}

/** A spy that does something else than the method in whose place it is. */
export interface Stub<Self = unknown, Args extends unknown[] = unknown[], Return = unknown>
  extends MethodSpy<Self, Args, Return> {
  /** What is called instead of the original. */
  fake: (this: Self, ...args: Args) => Return;
}

/** The parameters of a method. */
export type GetParametersFromProp<Self, Prop extends keyof Self> = Self[Prop] extends (...args: infer Args) => unknown
  ? Args
  : unknown[];

/** What a method returns. */
export type GetReturnFromProp<Self, Prop extends keyof Self> = Self[Prop] extends (...args: never[]) => infer Return
  ? Return
  : unknown;

type Method<Self, Args extends unknown[], Return> = (this: Self, ...args: Args) => Return;

/** A function that does nothing but keep note of its calls. */
export function spy<Self = unknown, Args extends unknown[] = unknown[], Return = undefined>(): Spy<Self, Args, Return>;
/** `func`, with note kept of its calls. */
export function spy<Self, Args extends unknown[], Return>(func: Method<Self, Args, Return>): Spy<Self, Args, Return>;
/** Keeps note of the calls of a method. */
export function spy<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
): MethodSpy<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;
export function spy<Self, Args extends unknown[], Return>(
  funcOrSelf?: Method<Self, Args, Return> | Self,
  property?: keyof Self,
): Spy<Self, Args, Return> {
  if (property !== undefined) return inPlaceOf<Self, Args, Return>("spy", funcOrSelf as Self, property);
  const original = (funcOrSelf ?? (() => {})) as Method<Self, Args, Return>;
  return recording(original, original, () => {
    throw new MockError("Cannot restore: function cannot be restored");
  });
}

/** Puts a function that does nothing in a method's place, and keeps note of its calls. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;
/** Puts `func` in a method's place, and keeps note of its calls. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
  func: Method<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;
export function stub<Self, Args extends unknown[], Return>(
  self: Self,
  property: keyof Self,
  func = (() => {}) as Method<Self, Args, Return>,
): Stub<Self, Args, Return> {
  return Object.assign(inPlaceOf("stub", self, property, func), { fake: func });
}

/** Asserts how often a spy was called. */
export function assertSpyCalls<Self, Args extends unknown[], Return>(
  spy: Spy<Self, Args, Return>,
  expectedCalls: number,
): void {
  const { length } = spy.calls;
  if (length === expectedCalls) return;
  const problem = length < expectedCalls ? "not called as much as" : "called more than";
  throw new AssertionError(`Spy ${problem} expected: got ${length}, expected ${expectedCalls}`);
}

function inPlaceOf<Self, Args extends unknown[], Return>(
  what: "spy" | "stub",
  self: Self,
  property: keyof Self,
  fake?: Method<Self, Args, Return>,
): MethodSpy<Self, Args, Return> {
  const original = self[property];
  // What is not there can be stubbed all the same.
  if (typeof original !== "function" && !(what === "stub" && original === undefined)) {
    throw new MockError(`Cannot ${what}: property is not an instance method`);
  }
  if (typeof original === "function" && spies.has(original)) {
    throw new MockError(`Cannot ${what}: already spying on instance method`);
  }
  const descriptor = Object.getOwnPropertyDescriptor(self, property);
  if (descriptor?.configurable === false) throw new MockError(`Cannot ${what}: non-configurable instance method`);
  const method = original as Method<Self, Args, Return>;
  const restore = () => {
    if (made.restored) throw new MockError("Cannot restore: instance method already restored");
    if (descriptor) Object.defineProperty(self, property, descriptor);
    else delete self[property];
    made.restored = true;
  };
  const made = Object.assign(recording(method, fake ?? method, restore), { [Symbol.dispose]: restore });
  const { enumerable = false, writable = false } = descriptor ?? {};
  Object.defineProperty(self, property, { configurable: true, enumerable, writable, value: made });
  spies.add(made);
  return made;
}

const spies = new WeakSet<WeakKey>();

function recording<Self, Args extends unknown[], Return>(
  original: Method<Self, Args, Return>,
  fake: Method<Self, Args, Return>,
  restore: () => void,
): Spy<Self, Args, Return> {
  const calls: SpyCall<Self, Args, Return>[] = [];
  const spy = function (this: Self, ...args: Args): Return {
    const call: SpyCall<Self, Args, Return> = { args };
    if (this) call.self = this;
    try {
      return call.returned = fake.apply(this, args);
    } catch (error) {
      call.error = error as Error;
      throw error;
    } finally {
      calls.push(call);
    }
  };
  return Object.assign(spy, { original, calls, restored: false, restore });
}
