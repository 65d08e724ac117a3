import ChangeEvents
import Foundation
import Store
import TestSupport

/// Writes to a store until it is killed, for `KillTests`: `StoreWriter DATABASE FIRST LAST`, DATABASE being the path
/// of a file or the URL of a PostgreSQL database.
///
/// Each transaction appends a few events numbered on from the last, puts the records that each names, one of them of an
/// object with a table of its own, and moves the cursor. Before it, `begin N` is printed, N being its last number; when
/// `write` has returned, `acknowledged N`. One `write(2)` per line, so that a kill can neither lose nor split what was
/// printed.
@main
struct StoreWriter {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let first = Int(arguments[2]), let last = Int(arguments[3]) else {
            FileHandle.standardError.write(Data("usage: StoreWriter DATABASE FIRST LAST\n".utf8))
            exit(64)
        }
        let isURL = arguments[1].hasPrefix("postgres:")
        let store: any EventStore =
            isURL
            ? try await PostgresStore.open(arguments[1], whenLocked: .wait) : try SQLiteStore(path: arguments[1])
        say("open")
        var next = first
        while next <= last {
            let numbers = Array(next...min(last, next + next % 7))
            let end = numbers[numbers.count - 1]
            say("begin \(end)")
            try await store.write { writer in
                // Changes nothing where the table is there already.
                try writer.define(.indexedTask)
                for number in numbers {
                    _ = try writer.append(.test(number))
                    try writer.put(.test(number % 100, status: "\(number)"))
                    try writer.put(.test(number % 100, entity: "Task", status: "\(number)"))
                }
                try writer.setCursor(topic: "/data/CaseChangeEvent", to: ReplayID(counter: UInt64(end)))
                try writer.setState("last", to: Array("\(end)".utf8))
            }
            say("acknowledged \(end)")
            next += numbers.count
        }
        try await store.close()
    }

    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
