import { setImmediate } from "node:timers/promises";
import type { Backend } from "../backend/backend.ts";
import { option, OptionError, say } from "../errors.ts";
import { hasCache, type LanguageModel } from "../model/language_model.ts";
import { QueueFullError, TextTooLongError } from "./batch_errors.ts";
import { type BatchRequest, BatchText } from "./batch_text.ts";
import { DrawableIds } from "./drawable_ids.ts";
import type { GeneratorOptions } from "./generator.ts";
import { validateSampling } from "./sampling.ts";
import { Slots } from "./slots.ts";

/** Options for an engine. */
export interface BatchEngineOptions extends GeneratorOptions {
  /** How many texts are continued at once. Default: 8, or as many as the backend is good at if those are fewer. */
  readonly slots?: number;
  /** How many more may wait. Default: 64. */
  readonly maxQueued?: number;
}

/** What an engine does, and did since it was made. */
export interface BatchCounts {
  /** Texts that are being continued. */
  readonly running: number;
  /** Texts that wait. */
  readonly waiting: number;
  /** Tokens of prompts that were fed. */
  readonly promptTokens: number;
  /** Tokens that were made. */
  readonly generatedTokens: number;
  /** Steps, each of one token of every text. */
  readonly steps: number;
}

/** Slots if nothing else is said. */
const SLOTS = 8;

/** Requests that may wait if nothing else is said. */
const MAX_QUEUED = 64;

/**
 * Continues many texts together: they join and leave between tokens. Each step feeds one token of every text, the one
 * chosen last or one of a short prompt; between steps goes a block of a longer prompt. A request's tokens depend on
 * nothing but the request: the same seed gives the same tokens, whatever else is under way. It owns its caches and
 * programs, but not the model's weights.
 *
 * Source: Yu et al. 2022, Orca (OSDI 2022), where this is called iteration-level scheduling.
 */
export class BatchEngine implements AsyncDisposable {
  readonly #model: LanguageModel;
  readonly #slots: Slots;
  readonly #drawable: DrawableIds;
  readonly #maxQueued: number;
  /** By slot. */
  readonly #running: (BatchText | undefined)[];
  #waiting: BatchText[] = [];
  #loop: Promise<void> | undefined;
  #isRunning = false;
  #promptTokens = 0;
  #generatedTokens = 0;
  #steps = 0;
  #failure: { readonly error: unknown } | undefined;

  private constructor(model: LanguageModel, slots: Slots, drawable: DrawableIds, maxQueued: number) {
    this.#model = model;
    this.#slots = slots;
    this.#drawable = drawable;
    this.#maxQueued = maxQueued;
    this.#running = Array.from({ length: slots.count }, () => undefined);
  }

  /**
   * Loads the programs. Write the weights before the first request.
   * @throws {OptionError} If the model cannot take texts of different lengths together, or an option cannot work.
   * @throws {RangeError} If no id may be drawn.
   */
  static async create(
    backend: Backend,
    model: LanguageModel,
    { slots, maxQueued = MAX_QUEUED, isDrawable }: BatchEngineOptions = {},
  ): Promise<BatchEngine> {
    const { maxLanes } = backend.capabilities;
    const count = slots ?? defaultSlots(backend);
    if (!(Number.isInteger(count) && count >= 1 && count <= maxLanes)) {
      const mustBe = `a whole number from 1 to ${maxLanes}, the most that ${backend.name} is good at`;
      throw new OptionError(say`Cannot serve: got ${option("slots")} ${count}, must be ${mustBe}`);
    }
    if (!(Number.isInteger(maxQueued) && maxQueued >= 0)) {
      throw new OptionError(
        say`Cannot serve: got ${option("maxQueued")} ${maxQueued}, must be a whole number, 0 or more`,
      );
    }
    if (!hasCache(model) || !model.canPart) {
      const lacks = hasCache(model) ? "that does not say it canPart" : "without createCache";
      throw new OptionError(`Cannot serve: got a model ${lacks}, must take texts of different lengths together`);
    }
    const drawable = new DrawableIds(model.config.vocabSize, isDrawable);
    return new BatchEngine(model, await Slots.load(backend, model, count), drawable, maxQueued);
  }

  /** What it does now, and did so far. */
  get counts(): BatchCounts {
    return {
      running: this.#running.filter((text) => text && !text.isOver).length,
      waiting: this.#waiting.filter(({ isOver }) => !isOver).length,
      promptTokens: this.#promptTokens,
      generatedTokens: this.#generatedTokens,
      steps: this.#steps,
    };
  }

  /** How many texts are continued at once. */
  get slots(): number {
    return this.#slots.count;
  }

  /** The most texts that it takes: in slots, and waiting. */
  get capacity(): number {
    return this.slots + this.#maxQueued;
  }

  /** What went wrong with the backend, if anything did: nothing more can then be continued. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /**
   * Continues a text as soon as there is a slot.
   * @throws {QueueFullError} If as many wait as may.
   * @throws {TextTooLongError} If it may grow longer than the model's context.
   * @throws {OptionError} If the prompt is empty or has an id outside the vocabulary, or an option cannot work.
   * @throws {Error} If the engine was disposed of, or the backend failed: what it threw.
   */
  submit(request: BatchRequest): BatchText {
    return this.submitAll([request])[0];
  }

  /** Continues several texts, or none: they are refused together. Throws as {@linkcode submit} does. */
  submitAll(requests: readonly BatchRequest[]): BatchText[] {
    if (this.#failure) throw this.#failure.error;
    const texts = requests.map((request) => this.#textOf(request));
    const { running, waiting } = this.counts;
    const more = texts.filter(({ isOver }) => !isOver).length;
    if (running + waiting + more > this.capacity) {
      for (const text of texts) text.cancel();
      throw new QueueFullError(waiting, this.#maxQueued, more);
    }
    this.#waiting.push(...texts);
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#loop = this.#run();
    }
    return texts;
  }

  /** Ends all texts, and frees the caches and programs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= {
      error: new Error("Cannot continue a text: got an engine that was disposed of, must be in use"),
    };
    for (const text of this.#all()) text.fail(this.#failure.error);
    await this.#loop;
    this.#slots[Symbol.dispose]();
  }

  #all(): BatchText[] {
    return [...this.#running, ...this.#waiting].filter((text) => text !== undefined);
  }

  #textOf(request: BatchRequest): BatchText {
    validateSampling(request);
    const { maxTokens } = request;
    if (!(Number.isInteger(maxTokens) && maxTokens >= 0)) {
      throw new OptionError(`Cannot generate: got maxTokens ${maxTokens}, must be a whole number, 0 or more`);
    }
    const prompt = [...request.prompt];
    if (prompt.length === 0) throw new OptionError("Cannot generate: got an empty prompt, must be at least one token");
    const { vocabSize, contextLength } = this.#model.config;
    const unknown = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (unknown !== undefined) {
      throw new OptionError(`Cannot generate: got token id ${unknown}, must be below the vocabulary's ${vocabSize}`);
    }
    if (prompt.length + maxTokens > contextLength) {
      throw new TextTooLongError(prompt.length, maxTokens, contextLength);
    }
    return new BatchText(prompt, request, contextLength, this.#drawable);
  }

  /** Steps until there is nothing to do. */
  async #run(): Promise<void> {
    try {
      for (;;) {
        // Steps alone would leave no time for whatever else this thread does: taking requests, above all.
        await setImmediate();
        this.#seat();
        if (this.#running.every((text) => text === undefined)) break;
        await this.#step();
      }
    } catch (error) {
      this.#failure ??= { error };
      for (const text of this.#all()) text.fail(error);
    }
    // In the same turn as the look at what waits, so that no request comes in between.
    this.#isRunning = false;
  }

  /** Frees the slots of texts that are over, and gives them to those that wait, the first first. */
  #seat(): void {
    for (const [slot, text] of this.#running.entries()) if (text?.isOver) this.#running[slot] = undefined;
    this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    for (const [slot, text] of this.#running.entries()) {
      if (text === undefined) this.#running[slot] = this.#waiting.shift();
    }
  }

  async #step(): Promise<void> {
    const { prefill } = this.#slots;
    const { fed, done } = await prefill.step(this.#running);
    this.#promptTokens += fed;
    if (done) this.#advance(done.text, done.logits, done.count);
    const feeds = this.#running.map((text) => text === undefined || prefill.isFor(text) ? undefined : text.next);
    if (feeds.every((feed) => feed === undefined)) return;
    const logits = await this.#slots.step(feeds);
    this.#steps++;
    for (const [slot, text] of this.#running.entries()) {
      if (text === undefined || feeds[slot] === undefined) continue;
      if (text.next.position < text.promptTokens) this.#promptTokens++;
      this.#advance(text, logits[slot]!, 1);
    }
  }

  #advance(text: BatchText, logits: Float32Array, count: number): void {
    try {
      if (text.advance(logits, count)) this.#generatedTokens++;
    } catch (error) {
      // What is wrong with one text's logits is no other's fault.
      text.fail(error);
    }
  }
}

/** Slots of an engine if nothing else is said. */
export function defaultSlots({ capabilities: { maxLanes } }: Pick<Backend, "capabilities">): number {
  return Math.min(SLOTS, maxLanes);
}
