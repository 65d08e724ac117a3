import ArgumentParser
import Foundation
import Twin
import Upstream

/// Shorter waits than in service, for tests that go through in seconds what takes hours: `MILLRACE_HASTE=100` in the environment
/// divides every pause by a hundred. Deadlines of calls are only cut down to what a busy machine needs.
struct Haste: Sendable, Hashable {
    static let variable = "MILLRACE_HASTE"
    static let factorMax = 1_000

    let factor: Int

    static let none = Haste(factor: 1)

    private init(factor: Int) { self.factor = factor }

    init(environment: [String: String]) throws {
        guard let text = environment[Self.variable] else {
            self = .none
            return
        }
        guard let factor = Int(text), (1...Self.factorMax).contains(factor) else {
            throw ValidationError("\(Self.variable) is \(text): it is a number from 1 to \(Self.factorMax).")
        }
        self.init(factor: factor)
    }

    func replica(_ configuration: Replica.Configuration) -> Replica.Configuration {
        var hastened = configuration
        hastened.interval = configuration.interval / factor
        hastened.overlap = configuration.overlap / factor
        for index in hastened.objects.indices {
            hastened.objects[index].poll = hastened.objects[index].poll.map { $0 / factor }
            hastened.objects[index].refreshFormulas = hastened.objects[index].refreshFormulas.map { $0 / factor }
        }
        hastened.pauses = configuration.pauses.lowerBound / factor...configuration.pauses.upperBound / factor
        return hastened
    }
}

extension Bridge.Settings {
    func hastened(by haste: Haste) -> Self {
        var settings = self
        settings.haste = haste
        settings.timing = timing.hastened(by: haste.factor)
        settings.budget.probeSeconds = max(budget.probeSeconds / Int64(haste.factor), 1)
        return settings
    }
}
