// The states of a slot, and when it goes from one to another. src/executor/host/slot.ts holds itself to this table.

/** What a slot is doing. */
export type SlotState =
  /** Its worker loads the tasks; it is sent nothing. */
  | "starting"
  /** It holds nothing. */
  | "idle"
  /** It holds runs, or outcomes that are not confirmed by a `Flush` yet. */
  | "running"
  /** It was asked to return what it has not started. Runs that were sent now would count as returned, too. */
  | "taking_back"
  /**
   * It gave back what it had not started, and its event loop has not turned since. It is sent no more than it runs at
   * once, and its outcomes are passed on without their `Flush`, which may never come.
   */
  | "stalled"
  /** No frame has come for half a second, although it was sent runs or an outcome is not confirmed. */
  | "suspect"
  /** Its worker is gone or going; nothing more is sent. */
  | "ending";

/** Every transition, with when it happens. */
export const slotTransitions: Readonly<Record<SlotState, Partial<Record<SlotState, string>>>> = {
  starting: {
    idle: "Every task of its set is loaded.",
    ending: "A task cannot be loaded in time, or the worker is gone.",
  },
  idle: {
    running: "It is sent runs.",
    ending: "It makes room for another set, or the worker is gone.",
  },
  running: {
    idle: "The last outcome is confirmed.",
    taking_back:
      "A run is aborted or late, nothing ended for a while, or another worker has nothing to do.",
    suspect: "It has shown no sign of life for some time.",
    ending: "A run is overdue, or the worker is gone.",
  },
  taking_back: {
    stalled: "The answer is there; what had started goes on.",
    suspect: "The answer is there, and there is still no sign of life.",
    idle: "The answer is there; the worker holds and owes nothing.",
    ending:
      "The answer shows that the worker is stuck; or a run is overdue, or the worker is gone.",
  },
  stalled: {
    running: "Its event loop has turned, and it holds more.",
    idle: "Its event loop has turned, and it holds nothing.",
    taking_back: "A run is aborted or late.",
    suspect: "It has shown no sign of life for some time.",
    ending: "A run is overdue, or the worker is gone.",
  },
  suspect: {
    running: "It has shown a sign of life, and holds more.",
    idle: "It has shown a sign of life, and holds nothing.",
    taking_back: "It has shown none in its time for it, or a run is aborted or late.",
    ending: "A run is overdue, or the worker is gone.",
  },
  ending: {},
};
