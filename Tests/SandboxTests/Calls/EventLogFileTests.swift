import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

/// `EventLogFile`: what the calls of an hour and of a day look like once they are over.
struct EventLogFileTests {
    /// 04:03:15 in the clock of the tests: to the end of the hour, and of the day.
    private static let hour = Duration.seconds(3_600)

    private func files(_ org: TestOrg) async throws -> [EventLogFile] {
        let sandbox = org.sandbox
        return try await sandbox.reading(org.context) { work in
            guard let view = work as? OrgView else { return [] }
            return try sandbox.eventLogFiles(view.reader)
        }
    }

    private func content(_ org: TestOrg, _ file: EventLogFile) async throws -> [[String]] {
        let id = file.id(instance: org.sandbox.organization.instance).string
        let blob = try await org.sandbox.reading(org.context) { try $0.blob("LogFile", of: "EventLogFile", id) }
        let text = String(decoding: try #require(blob).bytes, as: UTF8.self)
        return text.split(separator: "\n").map { Self.values(of: $0) }
    }

    /// The values of a line of CSV whose values all stand in quotes.
    private static func values(of line: Substring) -> [String] {
        var values: [String] = []
        var current = ""
        var isQuoted = false
        for character in line {
            switch (character, isQuoted) {
            case ("\"", false):
                // The second of two quotes is one, and the value goes on.
                if !current.isEmpty { current.append(character) }
                isQuoted = true
            case ("\"", true): isQuoted = false
            case (",", false):
                values.append(current)
                current = ""
            default: current.append(character)
            }
        }
        return values + [current]
    }

    @Test func anHourHasItsFileWhenItIsOver() async throws {
        let org = try await TestOrg.open()
        org.sandbox.record(.example(org))
        #expect(try await files(org).isEmpty)
        org.clock.advance(Self.hour)
        let file = try #require(try await files(org).first)
        #expect(file.interval == .hourly)
        #expect(OrgTime.dateTimeText(file.logDate) == "2026-02-17T04:00:00.000+0000")
        let lines = try await content(org, file)
        #expect(lines.count == 2)
        let line = Dictionary(uniqueKeysWithValues: zip(lines[0], lines[1]))
        #expect(line["EVENT_TYPE"] == "ApiTotalUsage")
        #expect(line["TIMESTAMP"] == "20260217040315.250")
        #expect(line["TIMESTAMP_DERIVED"] == "2026-02-17T04:03:15.250Z")
        #expect(line["API_FAMILY"] == "REST")
        #expect(line["API_RESOURCE"] == "/v66.0/sobjects/Account")
        #expect(line["API_VERSION"] == "66.0")
        #expect(line["CLIENT_NAME"] == "a \"client\"")
        #expect(line["CLIENT_IP"] == "10.1.2.3")
        #expect(line["COUNTS_AGAINST_API_LIMIT"] == "1")
        #expect(line["ENTITY_NAME"] == "Account")
        #expect(line["HTTP_METHOD"] == "GET")
        #expect(line["STATUS_CODE"] == "200")
        #expect(line["USER_NAME"] == org.context.session.username)
        #expect(line["USER_ID"] == String(org.context.session.userID.prefix(15)))
        #expect(line["ORGANIZATION_ID"] == String(org.context.session.organizationID.prefix(15)))
        #expect(line["CONNECTED_APP_NAME"] == "Millrace Sandbox")
        #expect(line["CONNECTED_APP_ID"]?.count == 15)
        #expect(line["REQUEST_ID"]?.count == 32)
    }

    @Test func aDayHasItsFileWhenItIsOver() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<3 {
            org.sandbox.record(.example(org))
            org.clock.advance(Self.hour)
        }
        #expect(try await files(org).map(\.interval) == [.hourly, .hourly, .hourly])
        org.clock.advance(.seconds(20 * 3_600))
        let daily = try #require(try await files(org).last)
        #expect(daily.interval == .daily)
        #expect(OrgTime.dateTimeText(daily.logDate) == "2026-02-17T00:00:00.000+0000")
        #expect(try await content(org, daily).count == 4)
        #expect(daily.length == (try await bytes(org, daily)))
        org.clock.advance(.seconds(48 * 3_600))
        #expect(try await files(org).isEmpty)
    }

    private func bytes(_ org: TestOrg, _ file: EventLogFile) async throws -> Int {
        let id = file.id(instance: org.sandbox.organization.instance).string
        return try await org.sandbox.reading(org.context) {
            try $0.blob("LogFile", of: "EventLogFile", id)?.bytes.count
        } ?? 0
    }

    @Test func aRowTellsWhereItsContentIs() async throws {
        let org = try await TestOrg.open()
        org.sandbox.record(.example(org))
        org.clock.advance(Self.hour)
        let file = try #require(try await files(org).first)
        let id = file.id(instance: org.sandbox.organization.instance).string
        let row = JSONText(
            try await org.sandbox.retrieve(object: "EventLogFile", id: id, fields: nil, context: org.context))
        #expect(row.contains("\"LogFile\":\"/services/data/v66.0/sobjects/EventLogFile/\(id)/LogFile\""))
        #expect(row.contains(#""EventType":"ApiTotalUsage""#))
        #expect(row.contains(#""Interval":"Hourly","#))
        #expect(row.contains("\"LogFileLength\":\(Double(file.length))"))
    }

    /// What is too old, and what is too much, goes; each flush is one transaction whatever there is to drop.
    @Test func oldHoursGo() async throws {
        let org = try await TestOrg.open()
        org.sandbox.record(.example(org))
        await org.sandbox.writeCalls()
        let first = try await org.sandbox.twin.store.read { try CallLog.read($0).hours }
        #expect(first.count == 1)
        org.clock.advance(.seconds(50 * 3_600))
        org.sandbox.record(.example(org))
        await org.sandbox.writeCalls()
        let later = try await org.sandbox.twin.store.read { reader in
            (try CallLog.read(reader).hours, try CallLog.lines(of: first[0], reader))
        }
        #expect(later.0.count == 1)
        #expect(later.0 != first)
        #expect(later.1.isEmpty)
    }

    @Test func chunksFollowEachOther() async throws {
        let org = try await TestOrg.open()
        let resource = String(repeating: "x", count: CallLog.chunkBytes / 2)
        for number in 0..<5 {
            org.sandbox.record(.example(org, resource: "\(number)" + resource))
            await org.sandbox.writeCalls()
        }
        let (hours, lines) = try await org.sandbox.twin.store.read { reader in
            let hours = try CallLog.read(reader).hours
            return (hours, try CallLog.lines(of: hours[0], reader))
        }
        #expect(hours[0].chunks > 1)
        #expect(hours[0].bytes == lines.count)
        let text = String(decoding: lines, as: UTF8.self)
        for number in 0..<5 { #expect(text.contains("\"\(number)xx")) }
    }

    @Test func anHourIsKeptUpToTheBound() async throws {
        let org = try await TestOrg.open()
        func flush(_ lines: [Int64: [UInt8]]) async throws -> [CallLog.Hour] {
            try await org.sandbox.twin.commit { writer in
                try CallLog.flush(lines, now: 9 * APIUsage.hour, bytesMax: 10, into: writer)
            }
        }
        let line = Array("abcd\n".utf8)
        #expect(try await flush([8: line, 9: line + line]).map(\.bytes) == [10])
        #expect(try await flush([9: line]).map(\.bytes) == [10])
        #expect(try await flush([9: [], 10: line + line + line]) == [CallLog.Hour(number: 9, chunks: 1, bytes: 10)])
    }

    /// Else a store that fails would let the lines pile up, since nobody would write them before the next second.
    @Test func linesThatCouldNotBeWrittenCountAgain() async throws {
        let org = try await TestOrg.open()
        var log = CallLog()
        for _ in 0..<3 { log.add(.example(org), at: org.clock.now, organizationID: "00D", app: nil) }
        let taken = log.takePending()
        #expect(log.pendingLines == 0)
        log.add(.example(org), at: org.clock.now, organizationID: "00D", app: nil)
        log.restore(taken)
        #expect(log.pendingLines == 4)
    }

    @Test func linesSurviveARestart() async throws {
        let org = try await TestOrg.open()
        org.sandbox.record(.example(org))
        let again = try await org.reopened()
        again.clock.advance(Self.hour)
        #expect(try await files(again).count == 1)
    }
}
