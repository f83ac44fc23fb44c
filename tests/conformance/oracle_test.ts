// The oracle of the model test passes the suite too: the suite asks nothing that only one store can do.

import { createOracleRepository } from "../testing/oracle_repository.ts";
import { repositoryConformance } from "./repository.ts";

repositoryConformance({
  name: "oracle",
  open: () => Promise.resolve(createOracleRepository()),
  isUnbounded: true,
  modelRuns: 10,
});
