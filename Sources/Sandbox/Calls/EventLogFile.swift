import ChangeEvents
import Doors
import Store

/// One file of the object `EventLogFile`: the calls of an hour, or of a day, once it has ended on the org's clock.
///
/// Files are not kept: they are a view of `CallLog`. They are there for a day after their hour or day.
struct EventLogFile: Sendable, Hashable {
    static let objectName = "EventLogFile"
    static let keyPrefix = "0AT"
    static let hoursOfADay: Int64 = 24

    enum Interval: String, Sendable {
        case hourly = "Hourly"
        case daily = "Daily"
    }

    var interval: Interval
    /// Its hours that have lines, oldest first.
    var hours: [CallLog.Hour]
    /// The first hour that it covers, since 1970.
    var firstHour: Int64

    /// The files that there are now, oldest first.
    static func all(_ hours: [CallLog.Hour], now: Int64) -> [EventLogFile] {
        let current = now / APIUsage.hour
        var files: [EventLogFile] = []
        for hour in hours where hour.number < current && hour.number >= current - hoursOfADay {
            files.append(EventLogFile(interval: .hourly, hours: [hour], firstHour: hour.number))
        }
        let today = current / hoursOfADay
        let ofYesterday = hours.filter { $0.number / hoursOfADay == today - 1 }
        if !ofYesterday.isEmpty {
            files.append(
                EventLogFile(interval: .daily, hours: ofYesterday, firstHour: (today - 1) * hoursOfADay))
        }
        return files
    }

    /// `0AT…`: says which hour and interval it is.
    func id(instance: String) -> RecordID {
        let number = UInt64(max(0, firstHour)) * 2 + (interval == .daily ? 1 : 0)
        return RecordID(Self.keyPrefix + instance + "0" + Base62.text(number, width: 9)) ?? .empty
    }

    var logDate: Int64 { firstHour * APIUsage.hour }
    var created: Int64 {
        (firstHour + (interval == .daily ? Self.hoursOfADay : 1)) * APIUsage.hour
    }
    var length: Int { CallLine.header.count + hours.reduce(0) { $0 + $1.bytes } }

    /// The CSV.
    func content(_ reader: any StoreReader) throws -> [UInt8] {
        try hours.reduce(into: CallLine.header) { $0 += try CallLog.lines(of: $1, reader) }
    }
}
