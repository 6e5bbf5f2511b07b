using Simulation;
using Simulation.Breaking;
using Xunit.Runner.InProc.SystemConsole;

return args is ["breakages", .. var words] ? BreakageRun.Run(words) : args is ["run", .. var rest] ? SimulationCommand.Run(rest) : await ConsoleRunner.Run(args);
