// Finds the word that was probably meant, for the errors of the configuration, of requests and
// of the command line.

// The package's main file is CommonJS: the first such import of a process costs tens of milliseconds.
import { distance } from "fastest-levenshtein/esm/mod.js";

/** Longer words are no slip of the pen; comparing them would only cost time. */
const maxWordLength = 64;

/**
 * The candidate that differs least from the word, as the end of an error message: `; did you mean X?`.
 * Empty if none is close: a third of the characters may differ.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  if (word.length > maxWordLength) return "";
  let closest = "";
  let fewest = Infinity;
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate);
    const allowed = Math.ceil(Math.max(word.length, candidate.length) / 3);
    if (edits <= allowed && edits < fewest) [closest, fewest] = [candidate, edits];
  }
  return closest === "" ? "" : `; did you mean ${closest}?`;
}
