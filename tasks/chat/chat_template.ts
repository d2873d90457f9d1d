// Conversations as the text that a model was trained on.
import type { Template } from "@huggingface/jinja";
import { excerpt } from "../../lib/io/excerpt.ts";
import { UserError } from "../cli/errors.ts";
import type { ChatMessage } from "./messages.ts";

/** The most characters that a message quotes of what a template says. */
const MAX_REASON = 200;

/** Special tokens that templates use, as a tokenizer_config.json names them: `bos_token` and others, with their text. */
export type TemplateTokens = Readonly<Record<string, string>>;

/**
 * A template in Jinja's language that turns a conversation into text, as transformers' `apply_chat_template` does. The
 * library that runs it holds a blank text for equal to `false`, as JavaScript does and Python does not: Llama 2's template
 * leaves a blank message of the system out.
 */
export class ChatTemplate {
  /** In Jinja's language. */
  readonly text: string;
  /** Where it is from, for messages. */
  readonly name: string;
  readonly #template: Template;
  readonly #tokens: TemplateTokens;

  private constructor(text: string, name: string, template: Template, tokens: TemplateTokens) {
    this.text = text;
    this.name = name;
    this.#template = template;
    this.#tokens = tokens;
  }

  /**
   * @param name Where it is from, for messages.
   * @param tokens Those that it may use.
   * @throws {UserError} If it is not in Jinja's language.
   */
  static async parse(text: string, name: string, tokens: TemplateTokens = {}): Promise<ChatTemplate> {
    // Loaded only when a conversation is: most tasks have none.
    const { Template } = await import("@huggingface/jinja");
    const template = explaining(`Cannot read the chat template of ${name}`, () => new Template(text));
    return new ChatTemplate(text, name, template, tokens);
  }

  /**
   * The text of a conversation. It holds every special token that the model expects, so it must be encoded without others
   * around it, which is what `Tokenizer.encode` does by default.
   *
   * @param options.addGenerationPrompt Whether the beginning of an answer follows. Default: false.
   * @throws {UserError} If the template refuses the conversation, or fails.
   */
  render(messages: readonly ChatMessage[], { addGenerationPrompt = false }: RenderOptions = {}): string {
    return explaining(
      `Cannot use the chat template of ${this.name} for this conversation`,
      () =>
        this.#template.render({
          ...this.#tokens,
          messages: messages.map(({ role, content }) => ({ role, content })),
          add_generation_prompt: addGenerationPrompt,
          // What transformers passes where nobody gives them.
          tools: null,
          documents: null,
        }),
    );
  }
}

/** Options for {@linkcode ChatTemplate.render}. */
export interface RenderOptions {
  readonly addGenerationPrompt?: boolean;
}

/** Whatever a template throws is its own fault, or the conversation's. */
function explaining<T>(cannot: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${cannot}: it says ${excerpt(reason, MAX_REASON)}. Pass another one with --chat-template`, {
      cause: error,
    });
  }
}
