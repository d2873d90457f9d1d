/**
 * bytelm: from raw text to a language model, in TypeScript on Deno.
 *
 * ```ts
 * import { createBackend, initialWeights, PRESETS, tokensInMemory, train, trainBpe, Transformer } from "./mod.ts";
 *
 * const text = "the cat sat on the mat. the dog sat on the log. ".repeat(50);
 * const tokenizer = await trainBpe(text, { vocabSize: 270 });
 * const model = new Transformer({ ...PRESETS.tiny, vocabSize: tokenizer.vocabSize, contextLength: 16, numLayers: 1 });
 * await using backend = await createBackend("wasm");
 * const steps = train({
 *   backend,
 *   model,
 *   config: { ...TRAINING_DEFAULTS, steps: 3 },
 *   weights: initialWeights(model.config, 0),
 *   train: tokensInMemory(tokenizer.encode(text)),
 * });
 * for await (const { step, loss } of steps) console.log(step, loss);
 * ```
 *
 * @module
 */
