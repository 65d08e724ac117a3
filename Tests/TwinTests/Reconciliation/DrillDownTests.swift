import ChangeEvents
import TestSupport
import Testing
@testable import Twin

/// Two tables of ids with stamps, and what each answers.
private struct World {
    static let hour: Int64 = 3_600_000

    /// By id, the hour of its stamp; nil: it has none.
    var org: [RecordID: Int64] = [:]
    var here: [RecordID: Int64?] = [:]

    /// Who is not the same in both.
    var differing: Set<RecordID> {
        Set(org.keys).union(here.keys).filter { id in
            guard let there = org[id], let ours = here[id] else { return true }
            return there != ours
        }
    }

    var hereByHour: [Int64?: Int] { Dictionary(here.values.map { ($0, 1) }, uniquingKeysWith: +) }

    /// Drills down; answers the ids that were compared one by one and differ. Nil: it is to be read anew.
    func found(_ limits: DrillDown.Limits) -> (ids: Set<RecordID>, questions: Int, readAll: Bool)? {
        var drill = DrillDown(hasStamp: true, limits: limits)
        var found: Set<RecordID> = []
        var readAll = false
        while true {
            switch drill.question {
            case .total: drill.totalAnswered(org: org.count, here: hereByHour)
            case .groups(let unit, let spans):
                #expect(spans.count <= limits.placesAtOnce)
                let groups = org.values.filter { hour in spans.contains { $0.contains(hour) } }.map { (unit.of($0), 1) }
                let answer = Dictionary(groups, uniquingKeysWith: +)
                // Room for the few that are not here.
                #expect(answer.count <= max(limits.groupsAtOnce, 24 * spans.count) + 24 + 6)
                drill.groupsAnswered(org: answer, here: hereByHour)
            case .ids(let hour): drill.idsAnswered(here.filter { $0.value == hour }.keys.sorted())
            case .count(let hour, let from, let to):
                drill.countAnswered(
                    org: org.count { id, own in own == hour && id < to && (from.map { $0 <= id } ?? true) })
            case .read(let places):
                let rows = places.reduce(0) { $0 + $1.rows }
                #expect(places.count == 1 || (rows <= limits.placeRowsMax && places.count <= limits.placesAtOnce))
                for place in places { found.formUnion(differing.filter { has(place, $0) }) }
                drill.readAnswered()
            case .readAll:
                readAll = true
                found.formUnion(differing)
                drill.readAnswered()
            case .readAnew: return nil
            case .end: return (found, drill.questions, readAll)
            }
        }
    }

    /// On either side.
    private func has(_ place: DrillDown.Place, _ id: RecordID) -> Bool {
        guard place.from.map({ $0 <= id }) ?? true, place.to.map({ id < $0 }) ?? true else { return false }
        guard let hour = place.hour else { return here[id] == .some(nil) }
        return org[id] == hour || here[id] == hour
    }
}

struct DrillDownTests {
    private static let small = DrillDown.Limits(
        wholeRowsMax: 20, placeRowsMax: 6, differencesMax: 50, questionsMax: 200, groupsAtOnce: 30, hourQuestionsMax: 2)

    @Test func hoursAreInTheirDays() {
        #expect([-25, -24, -1, 0, 23, 24].map(SourceSpan.Unit.day.of) == [-2, -1, -1, 0, 0, 1])
        #expect([-25, 0, 24].map(SourceSpan.Unit.hour.of) == [-25, 0, 24])
    }

    /// Nothing differs: the total says so, two questions by the hour, and one by the day for what is older.
    @Test func equalTablesTakeFewQuestions() throws {
        var world = World()
        for number in 0..<100 { world.org[.test("500", number)] = 480_000 + Int64(number) * 9 }
        world.here = world.org.mapValues { $0 }
        let found = try #require(world.found(Self.small))
        #expect(found.ids.isEmpty && found.questions == 4 && !found.readAll)
    }

    @Test func aSmallObjectIsComparedRowByRow() throws {
        var world = World()
        for number in 0..<20 { world.org[.test("500", number)] = 5 }
        world.here = world.org.mapValues { $0 }
        // One missing and one too much in the same hour: counts cannot tell.
        world.here[.test("500", 3)] = nil
        world.here[.test("500", 77)] = 5
        let found = try #require(world.found(Self.small))
        #expect(found.readAll && found.ids == world.differing && found.questions == 2)
    }

    @Test func manyDifferencesHaveTheObjectReadAnew() {
        var world = World()
        for number in 0..<100 { world.org[.test("500", number)] = Int64(number) }
        #expect(world.found(Self.small) == nil)
    }

    @Test func rowsWithoutAStampAreLookedAt() throws {
        var world = World()
        for number in 0..<40 { world.org[.test("500", number)] = Int64(number) * 50 }
        world.here = world.org.mapValues { $0 }
        world.here[.test("500", 7)] = .some(nil)
        let found = try #require(world.found(Self.small))
        #expect(found.ids == [.test("500", 7)])
    }

    /// A million rows of one load: halves of halves.
    @Test func oneLargeHourIsSplitByIDs() throws {
        var world = World()
        for number in 0..<1_000 { world.org[.test("500", number)] = 491_000 }
        world.here = world.org.mapValues { $0 }
        world.here[.test("500", 613)] = nil
        let found = try #require(world.found(Self.small))
        // Total, hours, eight halves, rows.
        #expect(found.ids == [.test("500", 613)] && !found.readAll && found.questions <= 12)
    }

    /// Yesterday's stamp here, today's there: no coarser count would tell.
    @Test func aMissedChangeOfTheSameMonthIsFound() throws {
        var world = World()
        for number in 0..<500 { world.org[.test("500", number)] = 491_000 + Int64(number) * 3 }
        world.here = world.org.mapValues { $0 }
        // The newest, and one whose day is counted first.
        for number in [499, 20] {
            world.here[.test("500", number)] = 491_000 + Int64(number) * 3 - 30
            let found = try #require(world.found(Self.small))
            #expect(found.ids == world.differing && !found.readAll)
        }
    }

    @Test func whereDrillingCostsTooMuchEverythingIsRead() throws {
        var limits = Self.small
        limits.questionsMax = 5
        var world = World()
        for number in 0..<1_000 { world.org[.test("500", number)] = Int64(number) }
        world.here = world.org.mapValues { $0 }
        for number in 100..<150 { world.here[.test("500", number)] = nil }
        let found = try #require(world.found(limits))
        #expect(found.readAll && found.ids == world.differing && found.questions <= 6)
    }

    /// Against brute force: whatever makes a count differ is found; what is found, differs.
    @Test(arguments: 0..<200)
    func randomWorlds(_ run: Int) throws {
        var random = SeededRandom()
        random = SeededRandom(seed: random.seed &+ UInt64(run))
        let spread = random.pick([1, 30, 2_000, 40_000])
        var world = World()
        for number in 0..<random.int(0..<400) {
            world.org[.test("500", number)] = 480_000 + Int64(random.int(0..<spread))
        }
        world.here = world.org.mapValues { $0 }
        for _ in 0..<random.int(0..<6) {
            let id = RecordID.test("500", random.int(0..<420))
            switch random.int(0..<4) {
            case 0: world.here[id] = nil
            case 1: world.here[id] = 480_000 + Int64(random.int(0..<spread))
            case 2: world.here[id] = .some(nil)
            default: world.org[id] = 480_000 + Int64(random.int(0..<spread))
            }
        }
        let found = try #require(world.found(Self.small), "seed \(random.seed)")
        #expect(found.ids.isSubset(of: world.differing), "seed \(random.seed)")
        #expect(found.questions <= Self.small.questionsMax + 1, "seed \(random.seed)")
        // Whatever differs by the day, and of the newest by the hour, is found.
        let org = Dictionary(world.org.values.map { (Optional($0), 1) }, uniquingKeysWith: +)
        let newest = Set(world.hereByHour.keys.compactMap { $0 }.sorted().suffix(30))
        let hours = Set(org.keys).union(world.hereByHour.keys)
        func days(_ counts: [Int64?: Int]) -> [Int64: Int] {
            Dictionary(counts.compactMap { hour, count in hour.map { ($0 / 24, count) } }, uniquingKeysWith: +)
        }
        let (orgDays, hereDays) = (days(org), days(world.hereByHour))
        for hour in hours where org[hour, default: 0] != world.hereByHour[hour, default: 0] {
            if let hour, !newest.contains(hour), orgDays[hour / 24] == hereDays[hour / 24] { continue }
            let isFound = found.ids.contains { world.org[$0] == hour || world.here[$0] == .some(hour) }
            #expect(isFound, "seed \(random.seed), hour \(String(describing: hour))")
        }
        // One mistake alone is always found, unless it stays within a day of long ago.
        if world.differing.count == 1, orgDays != hereDays || world.here.values.contains(nil) {
            #expect(found.ids == world.differing, "seed \(random.seed)")
        }
    }
}
