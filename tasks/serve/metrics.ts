// What Prometheus reads: counts since the server started, and what is under way.
import type { BatchCounts } from "../../lib/generate/batch_engine.ts";

/** Upper ends of the histogram's buckets, in seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/**
 * Counts of requests, and how long answers took.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class Metrics {
  /** By path and status. */
  readonly #requests = new Map<string, number>();
  readonly #buckets = BUCKETS.map(() => 0);
  #seconds = 0;
  #answers = 0;

  /** A request was answered, or began to be. @param path One of the server's own paths, or `other`. */
  count(path: string, status: number): void {
    const labels = `path="${path}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  /** A request for text is over, complete or not. */
  observe(seconds: number): void {
    this.#answers++;
    this.#seconds += seconds;
    BUCKETS.forEach((end, i) => {
      if (seconds <= end) this.#buckets[i]++;
    });
  }

  /** All of it, as text. */
  text({ running, waiting, promptTokens, generatedTokens, steps }: BatchCounts): string {
    const one = (name: string, type: string, help: string, value: number) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      `${name} ${value}`,
    ];
    const seconds = "bytelm_answer_seconds";
    return [
      "# HELP bytelm_requests_total Requests answered.",
      "# TYPE bytelm_requests_total counter",
      ...[...this.#requests].map(([labels, count]) => `bytelm_requests_total{${labels}} ${count}`),
      ...one("bytelm_prompt_tokens_total", "counter", "Tokens of prompts that were processed.", promptTokens),
      ...one("bytelm_generated_tokens_total", "counter", "Tokens that were made.", generatedTokens),
      ...one("bytelm_steps_total", "counter", "Steps, each of one token of every text.", steps),
      ...one("bytelm_texts_running", "gauge", "Texts that are being continued.", running),
      ...one("bytelm_texts_waiting", "gauge", "Texts that wait for a slot.", waiting),
      `# HELP ${seconds} Seconds from a request for text to the end of its answer.`,
      `# TYPE ${seconds} histogram`,
      ...BUCKETS.map((end, i) => `${seconds}_bucket{le="${end}"} ${this.#buckets[i]}`),
      `${seconds}_bucket{le="+Inf"} ${this.#answers}`,
      `${seconds}_sum ${this.#seconds}`,
      `${seconds}_count ${this.#answers}`,
      "",
    ].join("\n");
  }
}
