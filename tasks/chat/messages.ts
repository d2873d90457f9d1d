// Conversations, in the form that OpenAI's API and most files of conversations have.
import { excerpt } from "../../lib/io/excerpt.ts";
import { isJsonObject } from "../../lib/io/json_fields.ts";
import { UserError } from "../cli/errors.ts";

/** Who may speak. */
export const CHAT_ROLES = ["system", "user", "assistant"] as const;

/** Who speaks: instructions for the whole conversation, the person, or the model. */
export type ChatRole = (typeof CHAT_ROLES)[number];

/** What one of them says. */
export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: string;
}

/**
 * Reads a conversation from JSON that may come from anywhere. A message's content is text, or a list of parts
 * `{ "type": "text", "text": … }`, which are joined; other fields of a message are left out.
 *
 * @param name Where it is from, for messages: `line 3 of chats.jsonl`.
 * @throws {UserError} If it is no list, or empty, or a message has an unknown role or no text.
 */
export function parseMessages(value: unknown, name: string): ChatMessage[] {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot use the conversation of ${name}: got ${got}, must be ${mustBe}. Correct it`);
  };
  if (!Array.isArray(value)) return refuse(`messages ${excerpt(value)}`, "a list");
  if (value.length === 0) return refuse("no messages", "at least one");
  return (value as unknown[]).map((message, i) => {
    const refuseMessage = (got: string, mustBe: string): never => refuse(`message ${i + 1} with ${got}`, mustBe);
    if (!isJsonObject(message)) return refuse(`message ${i + 1} ${excerpt(message)}`, "an object");
    const { role, content } = message;
    if (!isRole(role)) {
      return refuseMessage(`role ${excerpt(role)}`, CHAT_ROLES.join(", ").replace(/, (\w+)$/, " or $1"));
    }
    const text = typeof content === "string" ? content : textOfParts(content);
    if (text === undefined) return refuseMessage(`content ${excerpt(content)}`, "text");
    return { role, content: text };
  });
}

function isRole(value: unknown): value is ChatRole {
  return (CHAT_ROLES as readonly unknown[]).includes(value);
}

/** The joined text of a list of parts; `undefined` if it is no such list. */
function textOfParts(content: unknown): string | undefined {
  if (!Array.isArray(content) || content.length === 0) return undefined;
  const texts = (content as unknown[]).map((part) =>
    isJsonObject(part) && part.type === "text" && typeof part.text === "string" ? part.text : undefined
  );
  return texts.includes(undefined) ? undefined : texts.join("");
}
