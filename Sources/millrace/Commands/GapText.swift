import Doors
import Foundation
import Store

/// The table of gaps, for people.
enum GapText {
    static func text(_ report: GapReport, onlyOpen: Bool) -> String {
        var lines = [report.openCount == 0 ? "no gap is open" : "open gaps: \(report.openCount.grouped)"]
        lines += report.open.map { "  " + line($0) }
        if report.open.count < report.openCount {
            lines.append("  and \((report.openCount - report.open.count).grouped) older ones")
        }
        if !onlyOpen, !report.closed.isEmpty {
            lines.append("last closed gaps")
            lines += report.closed.map { "  " + line($0) }
        }
        return lines.joined(separator: "\n")
    }

    /// `12 2026-11-22T03:01:12Z /data/ChangeEvents Case GAP_UPDATE: 2 records (500…, 500…), replay id 831: mended by refetch 2026-…`
    static func line(_ entry: GapEntry) -> String {
        var text =
            "\(entry.id) \(time(entry.declaredAt)) \(entry.topic) \(entry.entity ?? "every object") \(entry.reason): "
        switch entry.scope {
        case .records:
            text += "\(entry.recordCount.grouped) record\(entry.recordCount == 1 ? "" : "s")"
            let shown = entry.recordIDs.prefix(idsShown)
            if !shown.isEmpty {
                text += " (\(shown.joined(separator: ", "))\(entry.recordCount > shown.count ? ", …" : ""))"
            }
        case .object: text += "any record"
        case .topic: text += "any event"
        }
        if let from = entry.missedFrom, let until = entry.missedUntil, from != until {
            text += " committed from \(time(from)) to \(time(until))"
        } else if let until = entry.missedUntil {
            text += entry.missedFrom == nil ? " committed until \(time(until))" : " committed at \(time(until))"
        }
        if let replayID = entry.replayID {
            text += entry.scope == .topic ? ", behind replay id \(replayID)" : ", replay id \(replayID)"
        }
        return text + "; " + standing(entry)
    }

    private static let idsShown = 3

    private static func standing(_ entry: GapEntry) -> String {
        let numbers = entry.snapshots.map { "\($0)" }.joined(separator: ", ")
        let how =
            switch entry.mend {
            case .refetch: "reading the records by their ids"
            case .snapshot: entry.snapshots.isEmpty ? "a snapshot" : "snapshot \(numbers)"
            case .event: "a later event"
            case .notNeeded: "nothing was needed"
            case .nobody: "not replicated here: listeners were told"
            }
        guard let mendedAt = entry.mendedAt else { return entry.isOpen ? "open, to be mended by \(how)" : how }
        return entry.mend == .notNeeded ? how : "mended \(time(mendedAt)) by \(how)"
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(.iso8601)
    }
}
