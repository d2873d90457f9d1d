import { forEachBackend, forEachDevice, forHardwareKernels } from "./backends.ts";
import { assertOpDifferentiates } from "./gradient_check.ts";
import type { Arrays } from "./graph_run.ts";
import {
  assertOpAccumulates,
  assertOpIsDeterministic,
  assertOpMatchesReference,
  assertResults,
  type OpCase,
  runOp,
  type Tolerances,
} from "./op_case.ts";

/** What an op's tests need to know about it. */
export interface OpTests<Sizes> {
  /** The op's name, as in lib/ops. */
  readonly name: string;
  /** The op on seeded random inputs of a size. */
  readonly makeCase: (sizes: Sizes) => OpCase;
  /** How far the results of a case may be off in float32, with the reason at hand. */
  readonly tolerances: (op: OpCase) => Tolerances;
  /** The same op on PyTorch's inputs, and PyTorch's results. */
  readonly fixture?: () => { readonly op: OpCase; readonly expected: Arrays };
  /** Small sizes: for finite differences. */
  readonly differentiate: readonly Sizes[];
  /** 1, primes, and around vector widths and tiles. */
  readonly compare: readonly Sizes[];
  /** Sizes at which gradients are added to what is there. */
  readonly accumulate: readonly Sizes[];
  /** A size that takes several workers or workgroups. */
  readonly repeat: Sizes;
  /** A real GPU gets kernels of its own: on a software adapter, these are tested beside what it runs itself. */
  readonly hasHardwareKernels?: boolean;
}

/**
 * Registers an op's tests. The chain of trust: finite differences of the reference's forward pass check its backward
 * pass, PyTorch checks both, and the reference checks each device at every size.
 */
export function testOp<Sizes>(tests: OpTests<Sizes>): void {
  const { name, makeCase, tolerances, fixture } = tests;
  const forEach: typeof forEachDevice = (name, body) => {
    forEachDevice(name, body);
    if (tests.hasHardwareKernels) forHardwareKernels(name, body);
  };

  Deno.test(`${name}: the backward rule is the derivative of the forward pass`, async () => {
    for (const sizes of tests.differentiate) await assertOpDifferentiates(makeCase(sizes));
  });

  if (fixture) {
    forEachBackend(`${name} equals PyTorch`, async (backend) => {
      const { op, expected } = fixture();
      assertResults(await runOp(backend, op), expected, tolerances(op), op.label);
    });
  }

  forEach(`${name} equals the reference at sizes 1, primes, and around tiles`, async (backend) => {
    for (const sizes of tests.compare) {
      const op = makeCase(sizes);
      await assertOpMatchesReference(backend, op, tolerances(op));
    }
  });

  forEach(`${name} adds to gradients that are there`, async (backend) => {
    for (const sizes of tests.accumulate) {
      const op = makeCase(sizes);
      await assertOpAccumulates(backend, op, tolerances(op));
    }
  });

  forEach(`${name} gives the same bits twice`, async (backend) => {
    await assertOpIsDeterministic(backend, makeCase(tests.repeat));
  });
}
