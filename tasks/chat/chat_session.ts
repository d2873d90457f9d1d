// A conversation with a model that has a chat template.
import { UserError } from "../cli/errors.ts";
import type { ChatTemplate } from "./chat_template.ts";
import { answerEnds } from "./find_template.ts";
import type { ChatMessage } from "./messages.ts";
import { speak, type Speaker, type SpeakerOptions, type SpeakingModel } from "./speaker.ts";

/** Options for a conversation. */
export interface ChatOptions extends SpeakerOptions {
  /** Instructions that stand before the conversation. */
  readonly system?: string;
}

/** A conversation. What was computed for earlier turns is kept, so that each answer only waits for what is new. */
export class ChatSession implements Speaker {
  readonly #model: SpeakingModel;
  readonly #template: ChatTemplate;
  readonly #options: ChatOptions;
  readonly #stopIds: readonly number[];
  readonly #system: readonly ChatMessage[];
  /** Questions and answers by turns, without the system's message. */
  #messages: ChatMessage[] = [];
  /** The first message that the model still sees. */
  #first = 0;
  #answers = 0;

  /** @throws {UserError} If the template refuses the system's message. */
  constructor(model: SpeakingModel, template: ChatTemplate, options: ChatOptions) {
    this.#model = model;
    this.#template = template;
    this.#options = options;
    this.#stopIds = answerEnds(model.tokenizer, template, model.stopIds);
    this.#system = options.system === undefined ? [] : [{ role: "system", content: options.system }];
    template.render([...this.#system, { role: "user", content: "Hello" }], { addGenerationPrompt: true });
  }

  /** All that was said, and the system's message before it. */
  get messages(): readonly ChatMessage[] {
    return [...this.#system, ...this.#messages];
  }

  async *answer(text: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const { sampling, maxTokens, seed, stopStrings = [], onNote, onFigures } = this.#options;
    const { contextLength } = this.#model.config;
    const question: ChatMessage = { role: "user", content: text };
    const ids = this.#fit(question);
    const room = contextLength - ids.length;
    const most = Math.min(maxTokens, room);
    const options = { ...sampling, seed: seed + this.#answers, maxTokens: most, stopIds: this.#stopIds, signal };
    yield* speak(this.#model, ids, options, stopStrings, ({ text, figures }) => {
      this.#answers++;
      this.#messages.push(question, { role: "assistant", content: text });
      onFigures?.(figures);
      if (figures.answerTokens < most || signal?.aborted) return;
      onNote(
        most === maxTokens
          ? `The answer was ended after ${maxTokens} tokens`
          : `The answer was ended: the model's window of ${contextLength} tokens is full`,
      );
    });
  }

  takeBack(): string | undefined {
    const [question] = this.#messages.slice(-2);
    if (question === undefined) return undefined;
    this.#messages.length -= 2;
    this.#first = Math.min(this.#first, this.#messages.length);
    return question.content;
  }

  reset(): void {
    this.#messages = [];
    this.#first = 0;
  }

  record(): string {
    return this.#messages.length === 0 ? "" : `${JSON.stringify({ messages: this.messages })}\n`;
  }

  /**
   * The ids of the conversation with one more question. If they leave too little room for an answer, the oldest turns are
   * left out from now on: as many as it takes to fill only half of the window, since what follows them is computed anew.
   */
  #fit(question: ChatMessage): number[] {
    const { maxTokens, onNote } = this.#options;
    const { contextLength } = this.#model.config;
    const answerRoom = Math.min(maxTokens, Math.ceil(contextLength / 4));
    let first = this.#first;
    let ids = this.#encode(first, question);
    if (ids.length + answerRoom > contextLength) {
      while (ids.length > contextLength / 2 && first < this.#messages.length) {
        first += 2;
        ids = this.#encode(first, question);
      }
    }
    if (ids.length >= contextLength) {
      throw new UserError(
        `Cannot answer: got a message that makes ${ids.length} tokens, must be less than the model's window of ` +
          `${contextLength}. Make it shorter`,
      );
    }
    const turns = (first - this.#first) / 2;
    this.#first = first;
    if (turns > 0) {
      onNote(
        `${turns === 1 ? "The oldest turn is" : `The ${turns} oldest turns are`} left out from now on: the model's ` +
          `window has ${contextLength} tokens`,
      );
    }
    return ids;
  }

  #encode(first: number, question: ChatMessage): number[] {
    const messages = [...this.#system, ...this.#messages.slice(first), question];
    return [...this.#model.tokenizer.encode(this.#template.render(messages, { addGenerationPrompt: true }))];
  }
}
