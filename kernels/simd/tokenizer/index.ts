// The tokenizer's kernel: one memory per instance, which holds the text, the words seen, and the ids made from it.
export { addCounts, count, wordsEndNear } from "./count";
export { encode, keepToken, mergeWindow, outputLength, wordEnd } from "./encode";
export { classes, growInput, init, input, inputBytes, nextSlot, numWords, output, words, wordsEnd } from "./layout";
export { addMerge, clearMerges, setByteId } from "./merge";
export { findBytes } from "./search";
