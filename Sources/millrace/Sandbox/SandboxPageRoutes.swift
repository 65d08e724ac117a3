import Doors
import Hummingbird

/// The page at the sandbox's root. It reads the control door and the org's own REST API, and nothing else.
struct SandboxPageRoutes: HTTPRoutes {
    func add(to router: Router<BasicRequestContext>) {
        router.get("/") { _, _ in Self.page.asset(PackageResources.sandbox_html, type: "text/html; charset=utf-8") }
        router.get("/sandbox/page/sandbox.css") { _, _ in
            Self.page.asset(PackageResources.sandbox_css, type: "text/css; charset=utf-8")
        }
        let modules: [(RouterPath, [UInt8])] = [
            ("/sandbox/page/sandbox.js", PackageResources.sandbox_js),
            ("/sandbox/page/api.js", PackageResources.api_js),
            ("/sandbox/page/overview.js", PackageResources.overview_js),
            ("/sandbox/page/records.js", PackageResources.records_js),
            ("/sandbox/page/events.js", PackageResources.events_js),
            ("/sandbox/page/usage.js", PackageResources.usage_js),
            ("/sandbox/page/faults.js", PackageResources.faults_js),
        ]
        for (path, bytes) in modules {
            router.get(path) { _, _ in Self.page.asset(bytes, type: "text/javascript; charset=utf-8") }
        }
    }

    private static let page = Page(connections: "'self'")
}
