using Simulation;
using Xunit.Runner.InProc.SystemConsole;

return args is ["run", .. var rest] ? SimulationCommand.Run(rest) : await ConsoleRunner.Run(args);
