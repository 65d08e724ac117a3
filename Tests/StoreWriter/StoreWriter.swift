import ChangeEvents
import Foundation
import Store
import TestSupport

/// Writes to a store until it is killed, for `KillTests`: `StoreWriter DATABASE FIRST LAST`.
///
/// Each transaction appends a few events numbered on from the last, puts the record that each names, and moves the cursor.
/// Only when `write` has returned does it print `acknowledged N` (one `write(2)` per line, so that a kill cannot lose or
/// split what was printed).
@main
struct StoreWriter {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let first = Int(arguments[2]), let last = Int(arguments[3]) else {
            FileHandle.standardError.write(Data("usage: StoreWriter DATABASE FIRST LAST\n".utf8))
            exit(64)
        }
        let store = try SQLiteStore(path: arguments[1])
        FileHandle.standardOutput.write(Data("open\n".utf8))
        var next = first
        while next <= last {
            let numbers = Array(next...min(last, next + next % 7))
            try await store.write { writer in
                for number in numbers {
                    _ = try writer.append(.test(number))
                    try writer.put(.test(number % 100, status: "\(number)"))
                }
                try writer.setCursor(
                    topic: "/data/CaseChangeEvent", to: ReplayID(counter: UInt64(numbers[numbers.count - 1])))
                try writer.setState("last", to: Array("\(numbers[numbers.count - 1])".utf8))
            }
            next += numbers.count
            FileHandle.standardOutput.write(Data("acknowledged \(next - 1)\n".utf8))
        }
        try await store.close()
    }
}
