import { assert, assertEquals } from "@std/assert";
import { Random } from "../../tasks/stress/campaign.ts";
import { CAMPAIGNS } from "../../tasks/stress/campaigns.ts";
import { mutateBytes, mutateJson } from "../../tasks/stress/mutate.ts";
import { runTaskProcess } from "../harness/run_task.ts";

/** Those that are worth a few seconds; the others need minutes to say anything. */
const SHORT = ["round-trips", "mutations", "contention", "kills"];

Deno.test("stress finds no fault in some seconds, and keeps what it did as JSON", async () => {
  const out = await Deno.makeTempFile({ suffix: ".json" });
  const only = SHORT.flatMap((name) => ["--only", name]);
  const { code, stdout, stderr } = await runTaskProcess("stress", [
    "--minutes",
    "0.3",
    ...only,
    "--seed",
    "5",
    "--out",
    out,
    "--force",
  ]);
  assertEquals(code, 0, `${stdout}\n${stderr}`);
  const { campaigns } = JSON.parse(await Deno.readTextFile(out)) as {
    campaigns: { name: string; tries: number; faults: number }[];
  };
  assertEquals(campaigns.map(({ name }) => name).sort(), [...SHORT].sort());
  for (const { name, tries, faults } of campaigns) {
    assert(tries > 0, `${name} tried nothing`);
    assertEquals(faults, 0);
    assert(stdout.includes(name));
  }
  await Deno.remove(out);
});

Deno.test("campaigns are drawn from the seed alone, and damage what they are given", () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ a: [1, { b: "c" }], d: null }));
  for (const mutate of [mutateBytes, mutateJson]) {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 200 }, () => mutate(bytes, random).toHex());
    };
    assertEquals(draw(1), draw(1));
    assert(new Set(draw(2)).size > 50);
  }
  assertEquals(new Set(CAMPAIGNS.map(({ name }) => name)).size, CAMPAIGNS.length);
});
