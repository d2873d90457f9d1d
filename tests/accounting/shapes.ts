import fc from "fast-check";
import { GPT2_SHAPES, type ModelShape } from "../../lib/accounting/shape.ts";

export const SMALL = GPT2_SHAPES["gpt2-small"];
export const MEDIUM = GPT2_SHAPES["gpt2-medium"];
export const LARGE = GPT2_SHAPES["gpt2-large"];
export const XL = GPT2_SHAPES["gpt2-xl"];

/** Any shape that a model can have, sizes 1 and primes among them; heads of even size, as rotations need. */
export const anyShape: fc.Arbitrary<ModelShape> = fc.record({
  vocabSize: fc.integer({ min: 1, max: 500 }),
  contextLength: fc.integer({ min: 1, max: 40 }),
  numLayers: fc.integer({ min: 1, max: 5 }),
  numHeads: fc.integer({ min: 1, max: 5 }),
  halfHead: fc.integer({ min: 1, max: 7 }),
  dFf: fc.integer({ min: 1, max: 97 }),
}).map(({ halfHead, ...shape }) => ({ ...shape, dModel: 2 * halfHead * shape.numHeads }));

/** Any shape with any of the model's switches. */
export const anyArchitecture: fc.Arbitrary<ModelShape> = fc.tuple(
  anyShape,
  fc.record({
    ffn: fc.constantFrom("swiglu", "silu", "geglu", "gelu", "gelu_erf", "relu_squared"),
    norm: fc.constantFrom("rms", "layer", "none"),
    normPlace: fc.constantFrom("pre", "post", "output"),
    position: fc.constantFrom("rope", "learned", "none"),
    bias: fc.constantFrom("none", "qkv", "attention", "all"),
    valueEmbeddings: fc.constantFrom("none", "alternate", "all"),
    qkNorm: fc.constantFrom("none", "head", "width"),
    tieEmbeddings: fc.boolean(),
    parallelBlocks: fc.boolean(),
    slidingWindow: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    embeddingScale: fc.option(fc.constant(2.5), { nil: undefined }),
    logitSoftCap: fc.option(fc.constant(30), { nil: undefined }),
    scaleEmbeddings: fc.boolean(),
    halfHeadDim: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    sharers: fc.integer({ min: 1, max: 3 }),
  }),
).map(([shape, { halfHeadDim, sharers, ...switches }]) => ({
  ...shape,
  ...switches,
  ...(switches.parallelBlocks && { normPlace: "pre" }),
  ...(switches.scaleEmbeddings && { embeddingScale: undefined }),
  numHeads: shape.numHeads * sharers,
  numKeyValueHeads: shape.numHeads,
  headDim: halfHeadDim === undefined ? shape.dModel / shape.numHeads : 2 * halfHeadDim,
}));
