import { assert, assertEquals, AssertionError, assertThrows } from "@std/assert";
import { assertSpyCalls, MockError, spy, stub } from "@std/testing/mock";
import { assertType, type IsExact } from "@std/testing/types";

class Counter {
  constructor(public count = 0) {}
  add(by: number): number {
    if (by < 0) throw new RangeError("by");
    return this.count += by;
  }
}

Deno.test("a spy on a method calls it, and notes what it got and gave; then the method is as it was", () => {
  const counter = new Counter(1);
  {
    using add = spy(counter, "add");
    assertType<IsExact<typeof add.calls[number]["args"], [by: number]>>(true);
    assertEquals(counter.add(2), 3);
    assertThrows(() => counter.add(-1), RangeError);
    const [{ args, returned, self }, { error }] = add.calls;
    assertEquals([args, returned, self], [[2], 3, counter]);
    assert(error instanceof RangeError);
    assertThrows(() => spy(counter, "add"), MockError, "already spying");
  }
  assertEquals(Object.keys(counter), ["count"]);
  assertEquals(counter.add, Counter.prototype.add);
});

Deno.test("a stub stands in a method's place until it is restored", () => {
  const counter = new Counter(1);
  const add = stub(counter, "add", (by) => 10 * by);
  assertEquals([counter.add(2), counter.count], [20, 1]);
  assertEquals(add.original.call(counter, 2), 3);
  assertSpyCalls(add, 1);
  add.restore();
  assert(add.restored);
  assertEquals(counter.add(1), 4);
  assertThrows(() => add.restore(), MockError, "already restored");
  assertThrows(() => stub(Object.freeze({ f() {} }), "f"), MockError, "non-configurable");
});

Deno.test("a method of its own is put back as it was: a later one may be spied on", () => {
  const object = { f: () => 1 };
  const before = Object.getOwnPropertyDescriptor(object, "f");
  for (let i = 0; i < 2; i++) {
    using f = stub(object, "f");
    assertEquals(object.f(), undefined);
    assertSpyCalls(f, 1);
  }
  assertEquals(Object.getOwnPropertyDescriptor(object, "f"), before);
});

Deno.test("a spy on nothing, or on a function, is one to hand over", () => {
  const nothing = spy();
  assertEquals([1, 2].map(nothing), [undefined, undefined]);
  assertEquals(nothing.calls.map(({ args }) => args.slice(0, 2)), [[1, 0], [2, 1]]);
  const half = spy((n: number) => n / 2);
  assertEquals(half(4), 2);
  assertThrows(() => half.restore(), MockError, "cannot be restored");
  assertThrows(() => assertSpyCalls(half, 2), AssertionError, "not called as much");
  assertThrows(() => assertSpyCalls(half, 0), AssertionError, "called more than");
});
