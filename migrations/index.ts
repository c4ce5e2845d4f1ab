import { LibraryAndJobs } from "./0001_library_and_jobs.ts"

/** Every migration in its order. Names are stored in the database: they never change. */
export const migrations = [{ name: "0001_library_and_jobs", class: LibraryAndJobs }]
