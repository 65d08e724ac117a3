@preconcurrency import Glibc

/// `bench NAME [ARGUMENTS]`: runs one benchmark and prints its figures as JSON. `scripts/bench-*` call it.
@main
struct Bench {
    static func main() async throws {
        // A figure is seen when it is there, into a file too.
        setlinebuf(stdout)
        do {
            try await run(Array(CommandLine.arguments.dropFirst()))
        } catch is UsageError {
            fputs(usage + "\n", stderr)
            exit(64)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        switch arguments.first {
        case "apply": try await runApplyBenchmark(arguments: Array(arguments.dropFirst()))
        case "avro": try runAvroBenchmark(arguments: Array(arguments.dropFirst()))
        case "bulk": try await runBulkBenchmark(arguments: Array(arguments.dropFirst()))
        case "bus": try await runBusBenchmark(arguments: Array(arguments.dropFirst()))
        case "log": try await runLogBenchmark(arguments: Array(arguments.dropFirst()))
        case "match": try runMatchBenchmark(arguments: Array(arguments.dropFirst()))
        case "org": try await runOrgBenchmark(arguments: Array(arguments.dropFirst()))
        case "push": try await runPushBenchmark(arguments: Array(arguments.dropFirst()))
        case "query": try await runQueryBenchmark(arguments: Array(arguments.dropFirst()))
        case "upserts": try runBareUpserts(arguments: Array(arguments.dropFirst()))
        case "rest": try await runRESTBenchmark(arguments: Array(arguments.dropFirst()))
        default: throw UsageError()
        }
    }

    private static let usage = """
        usage: bench apply [--events N] [--batch N] [--records N] [--postgres URL]
               bench avro EVENTS.jsonl [SECONDS]
               bench bulk [--rows N]
               bench bus [--events N] [--deliveries N]
               bench log [--events N]
               bench match [SUBSCRIBERS]
               bench org [ROWS]
               bench query [ROWS]
               bench push [heartbeat=SECONDS] [wide=FIELDS]
               bench push tokens alike|users|parts|crowds|masks COUNT
               bench rest RECORDS [THREADS]
               bench upserts SOURCE TABLE TARGET BATCH
        """
}

/// The arguments are none that the benchmark has.
struct UsageError: Error {}
