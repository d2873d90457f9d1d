// Files of conversations: JSON Lines, a conversation in each line.
import { excerpt } from "../../lib/io/excerpt.ts";
import { isJsonObject } from "../../lib/io/json_fields.ts";
import { UserError } from "../cli/errors.ts";
import { readJsonLines } from "../cli/json_lines_file.ts";
import { type ChatMessage, parseMessages } from "./messages.ts";

/** A conversation, and which of its answers are to be learned. */
export interface Conversation {
  /** Where it is from, for messages: `line 3 of chats.jsonl`. */
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  /** For each message. */
  readonly learned: readonly boolean[];
}

/**
 * Reads conversations, of OpenAI's form or as pairs:
 *
 *     {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
 *     {"prompt": "Hi", "completion": "Hello!"}
 *
 * All answers are learned but those with a `"weight"` of 0. Empty lines and a line's other fields are skipped.
 *
 * @throws {UserError} If a line is not UTF-8, not JSON, or no conversation with an answer; if there is no conversation.
 */
export async function* readConversations(path: string): AsyncGenerator<Conversation> {
  let found = 0;
  for await (const { name, value } of readJsonLines(path)) {
    found++;
    yield conversationOf(value, name);
  }
  if (found > 0) return;
  throw new UserError(`Cannot read ${path}: got no conversation, must be one in each line. Check how it was made`);
}

function conversationOf(value: unknown, name: string): Conversation {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot use the conversation of ${name}: got ${got}, must be ${mustBe}. Correct it`);
  };
  if (!isJsonObject(value)) return refuse(excerpt(value), "an object");
  const list = messagesIn(value) ??
    refuse(`fields ${Object.keys(value).slice(0, 8).map((field) => excerpt(field)).join(", ") || "none"}`, FIELDS);
  for (const field of ["tools", "functions"]) {
    if (Array.isArray(value[field]) && value[field].length > 0) refuse(`"${field}"`, "one without them");
  }
  const messages = parseMessages(list, name);
  const learned = messages.map(({ role, content }, i) => {
    const at = `message ${i + 1}`;
    if (!content.isWellFormed()) refuse(`half a surrogate pair in ${at}`, "text that UTF-8 can hold");
    const { weight } = (list as Record<string, unknown>[])[i];
    if (weight !== undefined && weight !== 0 && weight !== 1) refuse(`${at} with weight ${excerpt(weight)}`, "0 or 1");
    if (role !== "assistant") return false;
    if (i === 0) refuse("an answer first", "something before it that is answered");
    if (content.trim() === "") refuse(`${at}, an answer without text`, "an answer");
    return weight !== 0;
  });
  if (!messages.some(({ role }) => role === "assistant")) refuse("no message of the assistant", "one with an answer");
  if (!learned.includes(true)) refuse("no answer but those of weight 0", "one with an answer to learn");
  return { name, messages, learned };
}

const FIELDS = '"messages", or "prompt" and "completion"';

function messagesIn(value: Readonly<Record<string, unknown>>): unknown {
  if (value.messages !== undefined) return value.messages;
  const { prompt, completion } = value;
  if (prompt === undefined || completion === undefined) return undefined;
  return [{ role: "user", content: prompt }, { role: "assistant", content: completion }];
}
