// The types that a program gets from the public API: they must not widen unnoticed.
import { assertType, type IsExact } from "@std/testing/types";
import type {
  LanguageModel,
  ModelConfig,
  StepMetrics,
  TextGenerator,
  Tokenizer,
  train,
  trainBpe,
  Transformer,
} from "../mod.ts";

type Result<F extends (...args: never[]) => unknown> = ReturnType<F>;

Deno.test("a tokenizer gives arrays of its own, which can be transferred, not views of shared memory", () => {
  assertType<IsExact<Result<Tokenizer["encode"]>, Uint32Array<ArrayBuffer>>>(true);
  assertType<IsExact<Result<Tokenizer["decodeBytes"]>, Uint8Array<ArrayBuffer>>>(true);
  assertType<IsExact<Result<Tokenizer["decode"]>, string>>(true);
  assertType<IsExact<Awaited<Result<typeof trainBpe>>, Tokenizer>>(true);
});

Deno.test("what comes one after the other says what it is", () => {
  assertType<IsExact<Result<typeof train>, AsyncGenerator<StepMetrics, void, void>>>(true);
  assertType<IsExact<Result<TextGenerator["generate"]>, AsyncGenerator<number, void, void>>>(true);
});

Deno.test("a transformer is a language model, and its configuration is its own", () => {
  assertType<Transformer extends LanguageModel ? true : false>(true);
  assertType<IsExact<Transformer["config"], ModelConfig>>(true);
});
