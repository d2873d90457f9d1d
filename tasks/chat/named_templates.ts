// Templates for models that bring none of their own.

/** A template that is known by name. */
export interface NamedTemplate {
  /** In Jinja's language. */
  readonly text: string;
  /** Special tokens that a tokenizer must have for it. */
  readonly specialTokens: readonly string[];
}

/**
 * Templates by name. `chatml` puts each message between two special tokens of its own. `plain` needs no more than a token
 * that ends texts, which a tokenizer that was made here has already.
 *
 * Source of chatml: OpenAI, "Chat Markup Language" (2023).
 */
export const NAMED_TEMPLATES: Readonly<Record<string, NamedTemplate>> = {
  chatml: {
    text: "{% for message in messages %}" +
      "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
      "{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    specialTokens: ["<|im_start|>", "<|im_end|>"],
  },
  plain: {
    text: "{% for message in messages %}" +
      "{{ (message['role'] | capitalize) + ':\\n' + message['content'] }}" +
      "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}" +
      "{{ '\\n\\n' }}" +
      "{% endfor %}" +
      "{% if add_generation_prompt %}{{ 'Assistant:\\n' }}{% endif %}",
    specialTokens: ["<|endoftext|>"],
  },
};
