import { bombs } from "./bombs.ts";
import type { Campaign } from "./campaign.ts";
import { contention } from "./contention.ts";
import { kills } from "./kills.ts";
import { longRuns } from "./long_runs.ts";
import { mutations } from "./mutations.ts";
import { roundTrips } from "./round_trips.ts";
import { wrongFlags } from "./wrong_flags.ts";

/** All campaigns, the shortest first: what they leave of their time is the others'. */
export const CAMPAIGNS: readonly Campaign[] = [roundTrips, mutations, contention, bombs, wrongFlags, kills, longRuns];
